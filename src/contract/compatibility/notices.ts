import type { Deprecation } from '../../config/project.ts';
import type { ContractField } from '../contract.ts';
import type { ContractChange } from './change.ts';

/** What a version says to people about a field: noted, since it breaks nobody. */
export function noticeChanges(before: ContractField, after: ContractField, at: string): readonly ContractChange[] {
  const changes: ContractChange[] = [];
  if (before.aliases.join() !== after.aliases.join())
    changes.push({
      kind: 'aliases_changed',
      at,
      message: `\`${at}\` has other aliases: ${after.aliases.join(', ') || 'none'}.`,
      breaks: [],
    });
  if (before.description !== after.description)
    changes.push({ kind: 'description_changed', at, message: `\`${at}\` is described differently.`, breaks: [] });
  return [...changes, ...deprecationChanges(before.deprecated, after.deprecated, at, `\`${at}\``)];
}

export function deprecationChanges(
  before: Deprecation | undefined,
  after: Deprecation | undefined,
  at: string,
  what: string,
): readonly ContractChange[] {
  if (formatDeprecation(before) === formatDeprecation(after)) return [];
  const message = after === undefined ? `${what} is no longer deprecated.` : `${what} is deprecated: ${formatDeprecation(after)}.`;
  return [{ kind: 'deprecation_changed', at, message, breaks: [] }];
}

/** `use tier, since 1.2, until 2027-01-31`. */
export function formatDeprecation(deprecation: Deprecation | undefined): string {
  if (deprecation === undefined) return '';
  const { reason, since, until } = deprecation;
  const parts = [reason?.replace(/\.$/, ''), since && `since ${since}`, until && `until ${until}`].filter((part) => part !== undefined);
  return parts.length === 0 ? 'leave it' : parts.join(', ');
}
