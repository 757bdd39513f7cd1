import { type CustomerRow, DAY, type RecordedTable } from '../../conformance/recorded-table.ts';
import { type ApiRequest, type ApiResponse, dryRunOf, isDryRun, jobOf, pageOf, queryOf, recordedApi, refusalOf } from './recorded-api.ts';

const FIELDS = [
  { name: 'id', type: 'STRING' },
  { name: 'name', type: 'STRING' },
  { name: 'updated_at', type: 'TIMESTAMP' },
];

/** The requests that the adapter sends, answered from the rows of a table. */
export async function bigqueryTable(): Promise<RecordedTable> {
  const texts = new Map<string, string>();
  const millis = (time: string) => Date.parse(`${DAY}T${time}Z`);
  const answer = (request: ApiRequest): ApiResponse => {
    if (request.path.startsWith('/datasets/')) return { body: { type: 'TABLE', creationTime: '1700000000000' } };
    if (request.path.startsWith('/queries/')) return { body: resultOf(texts.get(request.path.slice('/queries/'.length)) ?? '') };
    if (request.path !== '/jobs') return { body: jobOf('DONE') };
    const text = queryOf(request);
    if (text.includes('changes(') && table.feed === undefined) return refusalOf('Change history is not enabled on table marts.customers.');
    if (isDryRun(request)) return { body: dryRunOf(columnsOf(text), 0, millis(table.now)) };
    texts.set((request.body.jobReference as { jobId: string }).jobId, text);
    return { body: jobOf('RUNNING') };
  };
  const resultOf = (text: string): unknown => {
    const columns = columnsOf(text);
    const rows = text.includes('changes(') ? (table.feed ?? []) : table.rows;
    const cell = (row: CustomerRow, name: string) =>
      name === 'updated_at' ? `${millis(row.updated_at)}000` : row[name as keyof CustomerRow];
    return pageOf(
      columns,
      rows.map((row) => columns.map(({ name }) => cell(row, name))),
      rows.length,
    );
  };
  const server = await recordedApi(answer);
  const table: RecordedTable = {
    settings: `{ type: bigquery, project: data-project, api_endpoint: "${server.config.apiEndpoint}" }`,
    rows: [],
    feed: [],
    now: '12:00:00',
    scans: () => [...texts.values()],
    stop: () => server.stop(),
  };
  return table;
}

function columnsOf(text: string): typeof FIELDS {
  const asked = [...text.matchAll(/^ {2}`model`\.`(\w+)` as/gm)].map(([, name]) => name);
  return asked.length === 0 ? FIELDS : asked.flatMap((name) => FIELDS.filter((field) => field.name === name));
}
