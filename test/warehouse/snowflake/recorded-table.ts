import { type CustomerRow, DAY, type RecordedTable } from '../../conformance/recorded-table.ts';
import { type RecordedAnswer, type RecordedColumn, type RecordedStatement, startRecorded } from './recorded-server.ts';

const COLUMNS: readonly RecordedColumn[] = [
  { name: 'ID', type: 'text' },
  { name: 'NAME', type: 'text' },
  { name: 'UPDATED_AT', type: 'timestamp_ltz', precision: 0, scale: 9 },
];
const UNTRACKED: RecordedAnswer = { code: '000707', sqlState: '02000', message: 'Change tracking is not enabled.' };

/** The statements that the adapter sends, answered from the rows of a table. */
export async function snowflakeTable(): Promise<RecordedTable> {
  const answer = ({ sqlText, describeOnly }: RecordedStatement): RecordedAnswer => {
    const byFeed = sqlText.includes('changes(information');
    if (byFeed && table.feed === undefined) return UNTRACKED;
    if (describeOnly) return { columns: COLUMNS };
    if (sqlText.startsWith('show tables')) return { columns: [{ name: 'name', type: 'text' }] };
    if (sqlText.endsWith(' as now')) return { columns: [{ name: 'NOW', type: 'text' }], rows: [[`${DAY} ${table.now}.000000000`]] };
    const asked = [...sqlText.matchAll(/"model"\."(ID|NAME|UPDATED_AT)".* as "(\w+)"/g)].map(([, column = '', name = '']) => ({
      column: column.toLowerCase() as keyof CustomerRow,
      name,
    }));
    const rows = byFeed ? (table.feed ?? []) : table.rows;
    return {
      columns: asked.map(({ name }) => ({ name, type: 'text' })),
      rows: rows.map((row) => asked.map(({ column }) => (column === 'updated_at' ? `${DAY} ${row[column]}.000000000` : row[column]))),
    };
  };
  const server = await startRecorded({ answer });
  const table: RecordedTable = {
    settings: `{ type: snowflake, account: a, user: u, password: "\${SECRET}", database: D, access_url: "${server.url}" }`,
    rows: [],
    feed: [],
    now: '12:00:00',
    scans: () => server.statements.flatMap(({ sqlText, describeOnly }) => (describeOnly || !sqlText.includes('"c0"') ? [] : [sqlText])),
    stop: () => server.stop(),
  };
  return table;
}
