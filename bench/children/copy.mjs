/** Reads a query by COPY and counts its rows: what any reader in Node has to pay. Arguments: URL, query. */
import process from 'node:process';
import pg from 'pg';
import { to } from 'pg-copy-streams';

const [url, query] = process.argv.slice(2);
const NEWLINE = 10;

const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query(
  "begin transaction isolation level repeatable read read only; set local timezone = 'UTC'; set local extra_float_digits = 3",
);
const started = performance.now();
let rows = 0;
let bytes = 0;
for await (const chunk of client.query(to(`copy (${query}) to stdout`))) {
  bytes += chunk.length;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) rows++;
}
await client.query('commit');
const seconds = (performance.now() - started) / 1000;
await client.end();
console.log(JSON.stringify({ rows, bytes, seconds }));
