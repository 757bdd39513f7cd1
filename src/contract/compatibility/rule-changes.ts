import type { ContractRules, Field } from '../../config/project.ts';
import { COMPATIBLE, type ContractChange } from './change.ts';

/** What is made of a row in another way, although its form stays: noted, since readers decode it as before. A field that is new or gone is no such change. */
export function ruleChanges(before: ContractRules, after: ContractRules): readonly ContractChange[] {
  const changes: ContractChange[] = [];
  const say = (at: string, was: unknown, is: unknown) => {
    if (textOf(was) !== textOf(is))
      changes.push({
        kind: 'rule_changed',
        at,
        message: `The rule of \`${at}\` is another: ${textOf(was)} → ${textOf(is)}.`,
        ...COMPATIBLE,
      });
  };
  say('model', before.model, after.model);
  say('occurred_at', before.occurredAt, after.occurredAt);
  say('where', before.where, after.where);
  say('undo', before.undo, after.undo);
  const compare = (olds: readonly Field[], news: readonly Field[], prefix: string) => {
    for (const field of news) {
      const old = olds.find(({ name }) => name === field.name) ?? olds.find(({ name }) => field.aliases?.includes(name) === true);
      if (old === undefined) continue;
      const at = prefix + field.name;
      if (old.members !== undefined && field.members !== undefined) compare(old.members, field.members, `${at}.`);
      else say(at, old.source, field.source);
      if (old.values !== undefined || field.values !== undefined) say(`${at}.values`, valuesOf(old), valuesOf(field));
    }
  };
  compare(before.fields, after.fields, '');
  return changes;
}

function valuesOf({ values }: Field): unknown {
  return values === undefined ? undefined : Object.fromEntries([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function textOf(value: unknown): string {
  return value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
}
