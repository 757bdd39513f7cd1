import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/core/entry.ts';
import { diffFact } from '../../src/snapshot/diff.ts';
import { Fingerprints, newFingerprintKey } from '../../src/snapshot/fingerprints.ts';

const prints = await Fingerprints.create(newFingerprintKey());
const names = ['id', 'plan'];
const rules = { fieldNames: names, immutable: false, versionFloor: 0 };
const next = (plan: string) => ({ fingerprint: prints.fact(plan), fieldDigests: () => prints.fieldDigests(names, ['"a"', plan]) });
const live = (plan: string, version = 3): Entry => ({
  state: 'live',
  version,
  fingerprint: prints.fact(plan),
  rowHash: null,
  fieldDigests: prints.fieldDigests(names, ['"a"', plan]),
  identity: 'a',
  key: null,
  partition: 0,
  offset: 0,
  refused: null,
  current: null,
  previous: null,
  cursor: null,
});
const deleted: Entry = { ...live('gold', 4), state: 'deleted', fingerprint: null, fieldDigests: new Uint8Array(0) };

describe('diffFact', () => {
  test.each([
    ['nothing published before', undefined, rules, { outcome: 'created', version: 1 }],
    ['above a floor', undefined, { ...rules, versionFloor: 40 }, { outcome: 'created', version: 41 }],
    ['the same fact', live('silver'), rules, { outcome: 'unchanged' }],
    ['another fact', live('gold'), rules, { outcome: 'updated', version: 4, changed: ['plan'] }],
    ['deleted before', deleted, rules, { outcome: 'created', version: 5 }],
    ['deleted before, below a floor', deleted, { ...rules, versionFloor: 9 }, { outcome: 'created', version: 10 }],
    ['an immutable fact that changed', live('gold'), { ...rules, immutable: true }, { outcome: 'refused' }],
    ['an immutable fact that did not', live('silver'), { ...rules, immutable: true }, { outcome: 'unchanged' }],
    ['quarantined, repaired as it was', { ...live('silver'), state: 'quarantined' as const }, rules, { outcome: 'recorded' }],
    [
      'quarantined, repaired otherwise',
      { ...live('gold'), state: 'quarantined' as const },
      rules,
      { outcome: 'updated', version: 4, changed: ['plan'] },
    ],
    [
      'quarantined, never published',
      { ...live('gold', 0), state: 'quarantined' as const, fingerprint: null },
      rules,
      { outcome: 'created', version: 1 },
    ],
    [
      'held, and the source still says what was undone',
      { ...live('gold'), state: 'held' as const, refused: prints.fact('silver') },
      rules,
      { outcome: 'unchanged' },
    ],
    [
      'held, and the source says something new',
      { ...live('gold'), state: 'held' as const, refused: prints.fact('copper') },
      rules,
      { outcome: 'updated', version: 4, changed: ['plan'] },
    ],
    [
      'held, and the source says what the undo published',
      { ...live('silver'), state: 'held' as const, refused: prints.fact('copper') },
      rules,
      { outcome: 'recorded' },
    ],
    ['erased', { ...deleted, state: 'erased' as const }, rules, { outcome: 'unchanged' }],
  ])('%s', (_, before, withRules, expected) => {
    expect(diffFact(before, next('silver'), withRules)).toEqual(expected);
  });
});

describe('fingerprints', () => {
  test('differ by key, by purpose and by text', async () => {
    const other = await Fingerprints.create(newFingerprintKey());
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const all = [
      prints.identity('a'),
      prints.fact('a'),
      prints.row(Buffer.from('a')),
      prints.identity('b'),
      other.identity('a'),
      prints.rowSlot(prints.row(Buffer.from('a'))),
    ];
    expect(new Set(all.map(hex)).size).toBe(all.length);
    expect(hex(prints.identity('a'))).toBe(hex(prints.identity('a')));
  });

  test('a field is told apart from another of the same text', () => {
    const before = prints.fieldDigests(['a', 'b'], ['1', '2']);
    expect(before).not.toEqual(prints.fieldDigests(['a', 'b'], ['2', '1']));
  });
});
