/** The text of a scan by CHANGES, as DuckDB runs it over a table `log` of the form that BigQuery documents for its result; the macro `to_json_string` has to be there. */
export function inDuckDb(text: string): string {
  return text
    .replaceAll('`', '"')
    .replaceAll('struct(', 'row(')
    .replaceAll(
      /changes\(table [^,]+, (timestamp '[^']+'), (timestamp '[^']+')\)/g,
      '(select * from log where _CHANGE_TIMESTAMP >= $1 and _CHANGE_TIMESTAMP < $2)',
    );
}
