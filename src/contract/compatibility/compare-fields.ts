import { type FieldType, formatFieldType } from '../../core/field-type.ts';
import { type ContractField, membersOf } from '../contract.ts';
import { fieldAdvice } from './advice.ts';
import type { ChangeKind, ContractChange, Effect } from './change.ts';
import { COMPATIBLE } from './change.ts';
import type { FormatRules } from './format-rules.ts';
import { noticeChanges } from './notices.ts';
import { listChanges, numberChanges, reusedNumbers, symbolNumberChanges } from './numbers.ts';

/** Fields of one level, matched by name, then by alias. `prefix` is the path of the object that holds them, with a dot. */
export function compareFields(
  before: readonly ContractField[],
  after: readonly ContractField[],
  rules: FormatRules,
  prefix = '',
): readonly ContractChange[] {
  const changes: ContractChange[] = [];
  const say = (kind: ChangeKind, at: string, message: string, effect: Effect) =>
    changes.push({ kind, at, message, ...effect, advice: fieldAdvice(kind, effect, at) });
  const gone = new Map(before.filter((old) => !after.some(({ name }) => name === old.name)).map((old) => [old.name, old]));
  for (const field of after) {
    const at = prefix + field.name;
    const same = before.find(({ name }) => name === field.name);
    const former = same === undefined ? field.aliases.map((alias) => gone.get(alias)).find((old) => old !== undefined) : undefined;
    if (former !== undefined) {
      gone.delete(former.name);
      say(
        'field_renamed',
        at,
        `\`${prefix}${former.name}\` is called \`${at}\` now, with the former name as an alias.`,
        rules.renamed(former, field),
      );
    }
    const old = same ?? former;
    if (old === undefined) say('field_added', at, `\`${at}\` (${described(field)}) is new.`, rules.added(field));
    else changes.push(...compareField(old, field, rules, at));
  }
  for (const old of gone.values())
    say('field_removed', prefix + old.name, `\`${prefix}${old.name}\` (${described(old)}) is gone.`, rules.removed(old));
  changes.push(...numbered(rules, reusedNumbers(before, after, prefix)));
  if (isReordered(before, after)) say('fields_reordered', prefix.slice(0, -1), 'The fields stand in another order.', COMPATIBLE);
  return changes;
}

function compareField(before: ContractField, after: ContractField, rules: FormatRules, at: string): readonly ContractChange[] {
  const changes: ContractChange[] = [];
  const say = (kind: ChangeKind, message: string, effect: Effect) =>
    changes.push({ kind, at, message, ...effect, advice: fieldAdvice(kind, effect, at) });
  if (!before.optional && after.optional) say('field_made_optional', `\`${at}\` may be null now.`, rules.madeOptional());
  if (before.optional && !after.optional) say('field_made_required', `\`${at}\` is never null now.`, rules.madeRequired());
  if (before.default !== after.default) {
    const text = (value: ContractField['default']) => (value === undefined ? 'none' : JSON.stringify(value));
    say('default_changed', `The default of \`${at}\` was ${text(before.default)}, and is ${text(after.default)}.`, COMPATIBLE);
  }
  const numbers = numbered(rules, [...numberChanges(before, after, at), ...(rules.isNumbered ? listChanges(before, after, at) : [])]);
  return [...changes, ...compareTypes(before, after, rules, at), ...numbers, ...noticeChanges(before, after, at)];
}

type Typed = Pick<ContractField, 'type' | 'members'>;

function compareTypes(before: Typed, after: Typed, rules: FormatRules, at: string): readonly ContractChange[] {
  const [old, now] = [before.type, after.type];
  if (old.kind === 'object' && now.kind === 'object') return compareFields(before.members ?? [], after.members ?? [], rules, `${at}.`);
  if (old.kind === 'array' && now.kind === 'array') return compareTypes(itemsOf(old.items), itemsOf(now.items), rules, `${at}[]`);
  if (old.kind === 'enum' && now.kind === 'enum')
    return [...compareSymbols(old.symbols, now.symbols, rules, at), ...symbolNumbers(old, now, rules, at)];
  if (formatFieldType(old) === formatFieldType(now)) return [];
  const kind: ChangeKind = old.kind === 'decimal' && now.kind === 'decimal' ? 'decimal_changed' : 'type_changed';
  const effect = rules.retyped(old, now);
  const message = `\`${at}\` was ${formatFieldType(old)}, and is ${formatFieldType(now)}.`;
  return [{ kind, at, message, ...effect, advice: fieldAdvice(kind, effect, at) }];
}

/** Where nothing is known by its number, a number that moves is worth a word and breaks nobody. */
function numbered(rules: FormatRules, changes: readonly ContractChange[]): readonly ContractChange[] {
  return rules.isNumbered ? changes : changes.map((change) => ({ ...change, ...COMPATIBLE, advice: undefined }));
}

type EnumType = Extract<FieldType, { kind: 'enum' }>;

function symbolNumbers(before: EnumType, after: EnumType, rules: FormatRules, at: string): readonly ContractChange[] {
  const areWritten = (before.numbers ?? after.numbers) !== undefined;
  return rules.isNumbered || areWritten ? numbered(rules, symbolNumberChanges(before, after, at)) : [];
}

function itemsOf(type: FieldType): Typed {
  return { type, members: membersOf(type) };
}

function compareSymbols(before: readonly string[], after: readonly string[], rules: FormatRules, at: string): readonly ContractChange[] {
  const added = after.filter((symbol) => !before.includes(symbol));
  const removed = before.filter((symbol) => !after.includes(symbol));
  const change = (kind: ChangeKind, message: string, effect: Effect): ContractChange => ({
    kind,
    at,
    message,
    ...effect,
    advice: fieldAdvice(kind, effect, at),
  });
  const kept = (symbols: readonly string[], others: readonly string[]) => symbols.filter((symbol) => others.includes(symbol)).join('\0');
  const isReordered = kept(before, after) !== kept(after, before);
  return [
    ...added.map((symbol) => change('symbol_added', `\`${at}\` may be ${symbol} now.`, rules.symbolAdded())),
    ...removed.map((symbol) => change('symbol_removed', `\`${at}\` is never ${symbol} now.`, rules.symbolRemoved())),
    ...(isReordered ? [change('symbols_reordered', `The symbols of \`${at}\` stand in another order.`, rules.symbolsReordered())] : []),
  ];
}

function described({ type, optional, default: value }: ContractField): string {
  return `${formatFieldType(type)}, ${optional ? 'optional' : 'required'}${value === undefined ? '' : `, default ${JSON.stringify(value)}`}`;
}

/** Of the fields that both have, under the later names. */
function isReordered(before: readonly ContractField[], after: readonly ContractField[]): boolean {
  const nameNow = (old: ContractField) =>
    after.find(({ name }) => name === old.name)?.name ?? after.find(({ aliases }) => aliases.includes(old.name))?.name;
  const kept = before.flatMap((old) => nameNow(old) ?? []);
  const places = kept.map((name) => after.findIndex((field) => field.name === name));
  return places.some((place, index) => index > 0 && place < (places[index - 1] ?? 0));
}
