import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../src/warehouse/postgres/lines.ts';
import { LineMarker } from '../../../src/warehouse/postgres/rows.ts';
import { fieldDecoder, unescapeCopy } from '../../../src/warehouse/postgres/values.ts';

const TEXT = fieldDecoder({ name: 't', kind: 'string', sourceType: 'text' });
const LAYOUT = { keyLength: 2, cursorIndex: -1, cursorHidden: false, decoders: [TEXT, TEXT, TEXT], decodeCursor: TEXT };

/** As PostgreSQL does: https://www.postgresql.org/docs/current/sql-copy.html */
function copyField(value: string | null): string {
  if (value === null) return '\\N';
  const escapes: Record<string, string> = { '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\' };
  return [...value].map((character) => escapes[character] ?? character).join('');
}

function read(chunks: readonly Buffer[], minimumBytes: number): (string | null)[][] {
  const splitter = new LineSplitter(minimumBytes);
  const marker = new LineMarker(LAYOUT);
  const rows: (string | null)[][] = [];
  const take = (lines: Buffer | undefined, isLast: boolean): void => {
    if (lines === undefined) return;
    const batch = marker.mark(lines, isLast);
    splitter.giveBack(lines.subarray(batch.size));
    for (let row = 0; row < batch.count; row++) {
      const values = batch.values(row);
      rows.push([...values]);
      expect(Buffer.from(batch.key(row)).toString()).toBe(values.slice(0, 2).map(copyField).join('\t'));
      expect(Buffer.from(batch.raw(row)).toString()).toBe(values.map(copyField).join('\t'));
      expect(batch.keyHasNull(row)).toBe(values[0] === null || values[1] === null);
    }
  };
  for (const chunk of chunks) take(splitter.push(chunk), false);
  take(splitter.flush(), true);
  expect(splitter.pendingBytes).toBe(0);
  return rows;
}

const value = fc.option(fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('\\N', '\\', 'N', '\\\\N', '\n', '\t', '')), {
  nil: null,
});
const rowsOf = fc.array(fc.tuple(value, value, value), { maxLength: 12 });

describe('the lines of COPY', () => {
  it('are whole rows, wherever the network cuts', () => {
    fc.assert(
      fc.property(
        rowsOf,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 200 }),
        (rows, sizes, minimum) => {
          const wellFormed = rows.map((row) => row.map((of) => (of === null ? null : Buffer.from(of).toString())));
          const bytes = Buffer.from(wellFormed.map((row) => `${row.map(copyField).join('\t')}\n`).join(''));
          const chunks: Buffer[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(read(chunks, minimum)).toEqual(wellFormed);
        },
      ),
    );
  });

  it('are whole rows when cut at each single byte boundary', () => {
    const rows = [
      ['a\tb', null, 'x\ny'],
      ['\\N', '', '😀é'],
      [null, null, null],
    ];
    const bytes = Buffer.from(rows.map((row) => `${row.map(copyField).join('\t')}\n`).join(''));
    for (let cut = 1; cut < bytes.length; cut++) {
      for (const minimum of [1, 8, 1000]) expect(read([bytes.subarray(0, cut), bytes.subarray(cut)], minimum)).toEqual(rows);
    }
    expect(
      read(
        [...bytes].map((byte) => Buffer.from([byte])),
        1,
      ),
    ).toEqual(rows);
  });

  it('that end within a line are refused', () => {
    const splitter = new LineSplitter(1000);
    splitter.push(Buffer.from('a\tb\tc\nhalf'));
    expect(() => splitter.flush()).toThrow(/within a line/);
  });

  it('find their cursor, in the middle, at the end and hidden', () => {
    const line = Buffer.from('k\t\\N\t2024-01-01 00:00:00\nk\tx\t\\N\n');
    const at = (cursorIndex: number, cursorHidden: boolean) =>
      new LineMarker({ ...LAYOUT, keyLength: 1, cursorIndex, cursorHidden }).mark(line, true);
    expect([at(0, false).cursor(0), at(1, false).cursor(0), at(2, false).cursor(0)]).toEqual(['k', null, '2024-01-01 00:00:00']);
    expect([at(1, false).cursor(1), at(2, true).cursor(1)]).toEqual(['x', null]);
    const hidden = at(2, true);
    expect([hidden.cursor(0), Buffer.from(hidden.raw(0)).toString()]).toEqual(['2024-01-01 00:00:00', 'k\t\\N']);
  });

  it('form groups that hold every row once, and that do not depend on what stands before them', () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `key ${i}\tx\t${'y'.repeat(i % 50)}\n`);
    const groupsOf = (text: string): string[] => {
      const { groups, count } = new LineMarker(LAYOUT).mark(Buffer.from(text), true);
      const all = Array.from({ length: groups.count }, (_, g) => Buffer.from(groups.bytes(g)).toString());
      expect(all.join('')).toBe(text);
      expect(all.map((group) => group.split('\n').length - 1).reduce((sum, rows) => sum + rows, 0)).toBe(count);
      return all;
    };
    const all = groupsOf(lines.join(''));
    expect(all.length).toBeGreaterThan(15);
    expect(all.length).toBeLessThan(70);
    // Without its first row, only the first group is another one.
    const shorter = groupsOf(lines.slice(1).join(''));
    expect(shorter.slice(-(all.length - 1))).toEqual(all.slice(1));
  });

  it('form groups of a bounded size, of which a batch holds whole ones', () => {
    const line = `same key\tx\t${'y'.repeat(1_000)}\n`;
    const lines = Buffer.from(line.repeat(300));
    const batch = new LineMarker(LAYOUT).mark(lines, false);
    expect(batch.groups.count).toBe(4);
    expect(batch.groups.bytes(0).length).toBeLessThan(66_000);
    expect(batch.size).toBe(batch.count * line.length);
    expect(new LineMarker(LAYOUT).mark(Buffer.from(line), false)).toMatchObject({ count: 0, size: 0 });
  });

  it('unescape what COPY escapes', () => {
    expect(unescapeCopy('\\b\\f\\n\\r\\t\\v\\\\N\\.')).toBe('\b\f\n\r\t\v\\N.');
  });
});
