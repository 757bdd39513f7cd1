import { parseArgs } from 'node:util';
import { findFaults, PROPERTY_PROJECT, PROPERTY_TOKENS } from '../server/schemathesis.ts';
import { logOf } from '../server/served.ts';
import { addressOf, type DaemonWorld, inDaemonWorld } from './daemon-world.ts';

/**
 * The API of `headrace serve` for a long time: requests that schemathesis makes of the OpenAPI document, another seed each time, beside mappings that run every
 * second or two. Ends with 1 for an answer that the document does not describe, a 5xx, a bug in the log, or a run that failed.
 *
 *     npm run test:long -- api [--minutes 10]
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } }, allowPositionals: true });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('usage: api [--minutes <number>]');
process.exitCode = (await inDaemonWorld(PROPERTY_PROJECT, PROPERTY_TOKENS, asked)) ? 0 : 1;

async function asked({ base, start }: DaemonWorld): Promise<boolean> {
  const daemon = start('serve');
  const address = await addressOf(daemon);
  const found = await findFaults(address, base, { examples: 20, seed: Date.now() % 1_000_000, seconds: minutes * 60 });
  const faults = found === null ? [] : [found];
  daemon.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  if (code !== 143) faults.push(`serve ended with ${code}: ${stderr.slice(-3_000)}`);
  const lines = logOf({ stderr });
  for (const { msg, mapping, code: why } of lines)
    if (msg === 'a request failed' || msg === 'run failed') faults.push(`${msg}: ${mapping ?? ''} ${why ?? ''}`);
  for (const token of Object.values(PROPERTY_TOKENS)) if (stderr.includes(token)) faults.push('a token stands in the log');
  for (const fault of faults) console.log(fault);
  console.log(`api: ${minutes} minutes, ${lines.length} lines of log, ${faults.length} faults`);
  return faults.length === 0;
}
