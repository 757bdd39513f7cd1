import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { headrace } from './in-process.ts';

const PROJECT = ['--project', resolve(import.meta.dirname, '../..')];

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'headrace-export-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

test('the only document goes to stdout, and nothing else does', async () => {
  const said = await headrace('/', ['contracts', 'export', '--format', 'asyncapi', ...PROJECT]);
  expect(said).toMatchObject({ code: 0, stderr: '' });
  expect(said.stdout).toMatch(/^asyncapi: 3\.0\.0\n/);
  const one = await headrace('/', ['contracts', 'export', 'customer-profile', '--format', 'odcs', ...PROJECT]);
  expect(one.stdout).toMatch(/^apiVersion: v3\.0\.2\n/);
});

test('several documents need a folder, or JSON', async () => {
  const said = await headrace('/', ['contracts', 'export', '--format', 'odcs', ...PROJECT]);
  expect(said).toMatchObject({ code: 2, stdout: '' });
  expect(said.stderr).toMatch(/5 files.*\n.*--out/);
  const json = await headrace('/', ['contracts', 'export', '--format', 'odcs', '--json', ...PROJECT]);
  const { files } = JSON.parse(json.stdout) as { files: { name: string; text: string }[] };
  expect(files.map(({ name }) => name)).toContain('customer-consent.odcs.yaml');
  expect(files.every(({ text }) => text.startsWith('apiVersion:'))).toBe(true);
});

test('--out is a file or a folder', async () => {
  const out = await folder();
  expect(await headrace(out, ['contracts', 'export', '--format', 'asyncapi', '--out', 'a/facts.yaml', ...PROJECT])).toMatchObject({
    code: 0,
    stdout: '✔ a/facts.yaml\n',
  });
  expect(await headrace(out, ['contracts', 'export', '--format', 'odcs', '--out', 'odcs', ...PROJECT])).toMatchObject({ code: 0 });
  expect(await readdir(join(out, 'a'))).toEqual(['facts.yaml']);
  expect(await readdir(join(out, 'odcs'))).toHaveLength(5);
  const wrong = await headrace(out, ['contracts', 'export', '--format', 'odcs', '--out', 'odcs.yaml', ...PROJECT]);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('5 files do not fit into odcs.yaml') });
  const unwritable = await headrace(out, ['contracts', 'export', '--format', 'odcs', '--out', 'a/facts.yaml/odcs', ...PROJECT]);
  expect(unwritable).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing can be written to') });
});

test('schemas are what is written unless another format is asked for, and it must be one that is known', async () => {
  const out = await folder();
  expect(await headrace(out, ['contracts', 'export', '--out', 'schemas', ...PROJECT])).toMatchObject({ code: 0 });
  expect((await readdir(join(out, 'schemas'))).every((name) => name.endsWith('.schema.json'))).toBe(true);
  expect(await headrace('/', ['contracts', 'export', ...PROJECT])).toMatchObject({ code: 2, stderr: expect.stringContaining('--out') });
  expect(await headrace('/', ['contracts', 'export', '--format', 'xml', ...PROJECT])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('asyncapi'),
  });
});

test('the catalogue in Markdown and in HTML', async () => {
  const out = await folder();
  const said = await headrace(out, ['contracts', 'docs', ...PROJECT]);
  expect(said).toMatchObject({ code: 0, stderr: '', stdout: '✔ 5 facts in catalogue: begin at catalogue/README.md\n' });
  expect(await readdir(join(out, 'catalogue'))).toHaveLength(6);
  expect(await readFile(join(out, 'catalogue/README.md'), 'utf8')).toContain('[customer.consent](customer-consent.md)');
  const html = await headrace(out, ['contracts', 'docs', 'customer-consent', '--format', 'html', '--out', 'public', '--json', ...PROJECT]);
  expect(JSON.parse(html.stdout)).toMatchObject({
    ok: true,
    folder: join(out, 'public'),
    files: ['index.html'],
    facts: ['customer-consent'],
  });
  expect(await readFile(join(out, 'public/index.html'), 'utf8')).toContain('<h2>customer.consent ');
});
