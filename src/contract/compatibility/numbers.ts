import { type FieldType, symbolNumbers } from '../../core/field-type.ts';
import type { ContractField } from '../contract.ts';
import { BREAKS_BOTH, type ContractChange } from './change.ts';

/**
 * Protobuf 3, "Assigning Field Numbers" and "Deleting Fields": a number stays with its field, and is never used again; the same holds for the values of an enum. A reader takes what has
 * the number for what it knows by it, and notices nothing.
 */
export function numberChanges(before: ContractField, after: ContractField, at: string): readonly ContractChange[] {
  if (before.number === undefined || before.number === after.number) return [];
  const message = `\`${at}\` had the number ${before.number}, and has ${after.number ?? 'none'}.`;
  return [{ kind: 'field_renumbered', at, message, ...BREAKS_BOTH, advice: `Give \`${at}\` its number ${before.number} back.` }];
}

/** A list that may be absent is a message around the list (protobuf/proto-file.ts): other bytes. */
export function listChanges(before: ContractField, after: ContractField, at: string): readonly ContractChange[] {
  if (before.type.kind !== 'array' || after.type.kind !== 'array' || before.optional === after.optional) return [];
  const now = after.optional ? 'a message around a list now, because a list cannot be absent' : 'a list now, and no message around one';
  const advice = `Leave \`${at}\` as it was: an empty list says as much.`;
  return [{ kind: 'list_wrapped', at, message: `\`${at}\` is ${now}.`, ...BREAKS_BOTH, advice }];
}

/** Fields that are new and have the number of one that is gone. */
export function reusedNumbers(
  before: readonly ContractField[],
  after: readonly ContractField[],
  prefix: string,
): readonly ContractChange[] {
  const isThere = (fields: readonly ContractField[], { name, aliases }: ContractField) =>
    fields.some((field) => field.name === name || aliases.includes(field.name) || field.aliases.includes(name));
  const gone = before.filter((old) => !isThere(after, old));
  return after
    .filter((field) => !isThere(before, field))
    .flatMap((field) => {
      const old = gone.find(({ number }) => number !== undefined && number === field.number);
      if (old === undefined) return [];
      const at = prefix + field.name;
      const message = `\`${at}\` has the number ${field.number} of \`${prefix}${old.name}\`, which is gone.`;
      return [{ kind: 'number_reused', at, message, ...BREAKS_BOTH, advice: `Give \`${at}\` a number that was never used.` } as const];
    });
}

type Enum = Extract<FieldType, { kind: 'enum' }>;

/** Symbols with another number than before, and new ones with the number of one that is gone. */
export function symbolNumberChanges(before: Enum, after: Enum, at: string): readonly ContractChange[] {
  const [was, is] = [numbersOf(before), numbersOf(after)];
  const symbolBefore = new Map([...was].map(([symbol, number]) => [number, symbol]));
  const moved = [...is].flatMap(([symbol, number]) => {
    const other = symbolBefore.get(number);
    const old = was.get(symbol);
    if (old === number || (old === undefined && other === undefined)) return [];
    return [`${symbol} is ${number}${old === undefined ? '' : ` and was ${old}`}${other === undefined ? '' : `, which was ${other}`}`];
  });
  if (moved.length === 0) return [];
  const message = `The numbers of symbols of \`${at}\` moved: ${moved.join('; ')}.`;
  const advice = `Write the numbers that the symbols had (enum: { ${[...was].map(([symbol, number]) => `${symbol}: ${number}`).join(', ')} }), and new ones for new symbols.`;
  return [{ kind: 'symbol_renumbered', at, message, ...BREAKS_BOTH, advice }];
}

function numbersOf(type: Enum): ReadonlyMap<string, number> {
  const numbers = symbolNumbers(type);
  return new Map(type.symbols.map((symbol, i) => [symbol, numbers[i] as number]));
}
