/** One identifier of a relation's name, as dbt renders it: in double quotes, in backticks (BigQuery), or bare. */
const PART = /^(?:"((?:[^"]|"")+)"|`([^`]+)`|([A-Za-z_][\w$]*))(?:\.|$)/;

/**
 * The parts of dbt's `relation_name` as the database holds them: `"analytics"."marts"."customers"` → three names. Undefined where it is no name, as a call
 * of read_parquet(…). `fold` is what the database does to a bare name: PostgreSQL makes it lower-case.
 */
export function relationParts(name: string, fold: (bare: string) => string): readonly string[] | undefined {
  const parts: string[] = [];
  for (let rest = name; rest !== ''; ) {
    const match = PART.exec(rest);
    if (match === null) return undefined;
    const [whole, quoted, ticked, bare] = match;
    parts.push(ticked ?? quoted?.replaceAll('""', '"') ?? fold(bare ?? ''));
    rest = rest.slice(whole.length);
    if (rest === '' && whole.endsWith('.')) return undefined;
  }
  return parts.length === 0 ? undefined : parts;
}

/** A table as a model file would name it, each part in quotes. */
export function quotedTable(parts: readonly string[]): string {
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}
