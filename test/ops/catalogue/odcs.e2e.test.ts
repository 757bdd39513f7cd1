import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { odcsFile } from '../../../src/ops/catalogue/documents.ts';
import { headrace } from '../../cli/in-process.ts';
import { pythonPrograms } from '../../systems/python-programs.ts';
import { wideProject } from './wide-project.ts';

const run = promisify(execFile);

let programs: string;
let folder: string;

/** What the linter of the datacontract project objects to; the empty text where it finds the document valid, without a warning. */
async function objections(file: string): Promise<string> {
  const env = { ...process.env, NO_COLOR: '1', COLUMNS: '200' };
  const { stdout } = await run(join(programs, 'datacontract'), ['lint', file], { env }).catch(
    (error: unknown) => error as { stdout: string },
  );
  return stdout.includes('Data contract is valid against ODCS v3.0.2') && !stdout.includes('has warnings') ? '' : `objections: ${stdout}`;
}

beforeAll(async () => {
  programs = await pythonPrograms('datacontract');
  folder = await mkdtemp(join(tmpdir(), 'headrace-odcs-'));
}, 600_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the contracts of the demo are valid', async () => {
  const out = join(folder, 'demo');
  const said = await headrace(resolve(import.meta.dirname, '../../..'), ['contracts', 'export', '--format', 'odcs', '--out', out]);
  expect(said).toMatchObject({ code: 0, stderr: '' });
  const files = await readdir(out);
  expect(files).toHaveLength(5);
  for (const file of files) expect(await objections(join(out, file))).toBe('');
});

test('so is one with every type; and the linter does look', async () => {
  const { project, wide, event } = await wideProject();
  for (const mapping of [wide, event]) {
    const { name, text } = odcsFile(project, mapping);
    await writeFile(join(folder, name), text);
    expect(await objections(join(folder, name))).toBe('');
    expect(text).not.toMatch(/s3cr3t|headrace-user|postgres:/);
  }
  const text = await readFile(join(folder, 'wide.odcs.yaml'), 'utf8');
  for (const [from, to] of [
    ['logicalType: boolean', 'logicalType: maybe'],
    ['status: active\n', ''],
    ['    properties:\n', '    propertys:\n'],
  ] as const) {
    expect(text).toContain(from);
    await writeFile(join(folder, 'broken.odcs.yaml'), text.replace(from, to));
    expect(await objections(join(folder, 'broken.odcs.yaml'))).not.toBe('');
  }
});
