import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { headrace } from './in-process.ts';

const COMMANDS = [
  'init',
  'validate',
  'plan',
  'run',
  'serve',
  'pause',
  'resume',
  'status',
  'runs',
  'runs show',
  'quarantine list',
  'quarantine show',
  'quarantine retry',
  'quarantine discard',
  'undo',
  'release',
  'approve',
  'plans',
  'backfill',
  'backfill plan',
  'backfill approve',
  'backfill apply',
  'backfill cancel',
  'replay plan',
  'replay approve',
  'replay apply',
  'contracts rollback',
  'topics plan',
  'topics apply',
  'topics acl',
  'contracts check',
  'contracts freeze',
  'state show',
  'state rebuild',
  'state adopt',
  'contracts export',
  'contracts docs',
  'doctor',
];

describe('help', () => {
  test('names every command and the exit codes', async () => {
    const { code, stdout } = await headrace('/', ['--help']);
    expect(code).toBe(0);
    for (const command of new Set(COMMANDS.map((name) => name.split(' ')[0]))) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    for (const exit of ['1 failed', '2 invalid', '3 warehouse, Kafka or registry', '4 stopped', '5 another', '128+n'])
      expect(stdout).toContain(exit);
  });

  test.each(COMMANDS)('of %s: options that every command has, and examples that are commands', async (name) => {
    const { code, stdout } = await headrace('/', [...name.split(' '), '--help']);
    expect(code).toBe(0);
    for (const option of ['--json', '--project', '--log-level']) expect(stdout).toContain(option);
    const examples = stdout.split('Examples:\n')[1]?.trim().split('\n') ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(example).toContain(`$ headrace ${name.split(' ')[0]}`);
  });

  test('docs/cli.md has every command and every option', async () => {
    const docs = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    for (const name of COMMANDS) {
      expect(docs).toContain(`headrace ${name}`);
      const { stdout } = await headrace('/', [...name.split(' '), '--help']);
      for (const [option] of stdout.matchAll(/^ {2,6}(?:-\w, )?--[a-z-]+/gm)) expect(docs).toContain(option.trim().replace('-h, ', ''));
    }
  });

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(await headrace('/', ['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe('what is not understood is code 2, with the nearest', () => {
  test.each([
    ['a command', ['rum'], /Did you mean run\?/],
    ['an option', ['run', '--fulll'], /Did you mean --full\?/],
    ['a number', ['run', '--chunk', '0'], /whole number/],
    ['a log level', ['run', '--log-level', 'loud'], /silent, error, info, debug/],
    ['a missing argument', ['state', 'show'], /missing required argument/],
    ['nothing at all', [], /Usage: headrace/],
  ])('%s', async (_, argv, message) => {
    const { code, stderr, stdout } = await headrace('/', argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('with --json also as JSON', async () => {
    const { code, stdout } = await headrace('/', ['rum', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, exitCode: 2, error: { code: 'CONFIG_INVALID' } });
  });
});
