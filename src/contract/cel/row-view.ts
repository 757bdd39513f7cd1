import { isLosslessNumber } from 'lossless-json';
import type { Column, ColumnKind, RowValues } from '../../core/row.ts';
import { isArray, type JsonTree, parseJson } from '../json-tree.ts';
import { plainNumber } from '../numbers.ts';
import { Rejection } from '../rejection.ts';
import { CelDecimal, MAX_DIGITS } from './decimal.ts';
import { CelInstant } from './instant.ts';

/** Longer lists make the expression fail, so that two nested macros stay below a million steps. */
export const MAX_LIST_LENGTH = 1000;

/** What a column is in an expression: `dyn<…>`, because any of them may be null. */
export function celTypeOf(kind: ColumnKind): string {
  switch (kind) {
    case 'boolean':
      return 'dyn<bool>';
    case 'int32':
    case 'int64':
      return 'dyn<int>';
    case 'decimal':
      return 'dyn<decimal>';
    case 'float64':
      return 'dyn<double>';
    case 'timestamp':
    case 'timestamptz':
      return 'dyn<instant>';
    case 'json':
    case 'array':
      return 'dyn';
    default:
      return 'dyn<string>';
  }
}

/**
 * `row` in an expression. A Map, so that the library reads columns through `get` and nothing of the object's prototype is in reach,
 * whatever a column is called. One view serves all expressions of a mapping: `current` is the row at hand.
 */
export class RowView extends Map<string, unknown> {
  current: RowValues = [];
  readonly #decoders: ReadonlyMap<string, (values: RowValues) => unknown>;

  constructor(columns: readonly Column[], indexOf: ReadonlyMap<string, number>) {
    super();
    const decoders = new Map<string, (values: RowValues) => unknown>();
    for (const column of columns) {
      const index = indexOf.get(column.name);
      if (index !== undefined) decoders.set(column.name, remembered(index, decoder(column.kind)));
    }
    this.#decoders = decoders;
  }

  override get(name: string): unknown {
    return this.#decoders.get(name)?.(this.current);
  }
}

/** Decodes a text once, however often the expressions of a mapping read the column. */
function remembered(index: number, decode: (text: string) => unknown): (values: RowValues) => unknown {
  let lastText: string | undefined;
  let lastValue: unknown;
  return (values) => {
    const text = values[index];
    if (text === null || text === undefined) return null;
    if (text === lastText) return lastValue;
    const value = decode(text);
    lastText = text;
    lastValue = value;
    return value;
  };
}

function decoder(kind: ColumnKind): (text: string) => unknown {
  switch (kind) {
    case 'boolean':
      return (text) => text === 'true';
    case 'int32':
    case 'int64':
      return (text) => BigInt(text);
    case 'decimal':
      return (text) => CelDecimal.parse(text);
    case 'float64':
      return (text) => Number(text);
    case 'timestamp':
      return (text) => CelInstant.fromTimestamp(text);
    case 'timestamptz':
      return (text) => CelInstant.fromTimestamptz(text);
    case 'json':
    case 'array':
      return (text) => {
        const tree = parseJson(text);
        if (tree instanceof Rejection) throw new RangeError(tree.reason);
        return celOf(tree);
      };
    default:
      return (text) => text;
  }
}

const INT64_LIMIT = 2n ** 63n;

/** Objects become Maps, whole numbers int, other numbers decimals. */
function celOf(tree: JsonTree): unknown {
  if (isLosslessNumber(tree)) {
    const plain = plainNumber(tree.value);
    if (plain === undefined || plain.length > MAX_DIGITS) throw new RangeError('too many digits');
    if (plain.includes('.')) return CelDecimal.parse(plain);
    const whole = BigInt(plain);
    return whole >= -INT64_LIMIT && whole < INT64_LIMIT ? whole : new CelDecimal(whole, 0);
  }
  if (typeof tree !== 'object' || tree === null) return tree;
  if (isArray(tree)) {
    if (tree.length > MAX_LIST_LENGTH) throw new RangeError('list too long');
    return tree.map(celOf);
  }
  const keys = Object.keys(tree);
  if (keys.length > MAX_LIST_LENGTH) throw new RangeError('map too large');
  return new Map(keys.map((key) => [key, celOf(tree[key] as JsonTree)]));
}
