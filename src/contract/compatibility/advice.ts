import type { ChangeKind, Effect } from './change.ts';

/** What to do in place of a change of a field that breaks somebody. The way that is always open, a new major version on a new topic, is said once by the check. */
export function fieldAdvice(kind: ChangeKind, effect: Effect, at: string): string | undefined {
  if (effect.breaks.length === 0) return undefined;
  switch (kind) {
    case 'field_added':
      return `Write optional: true for \`${at}\`: facts of the earlier version do not have it.`;
    case 'field_removed':
      return `Keep \`${at}\`, and mark it deprecated; a new major version may leave it out.`;
    case 'field_renamed':
      return 'Publish the former field beside the new one, and mark it deprecated.';
    case 'field_made_optional':
      return `Give \`${at}\` a default, which stands where the source is NULL, or publish an optional field beside it.`;
    case 'field_made_required':
      return `Keep optional: true for \`${at}\`, even if no row is NULL any more.`;
    case 'symbol_added':
      return `Map the value to a symbol that readers know (\`values\` of \`${at}\`), or publish a field with the new symbols beside it.`;
    case 'symbol_removed':
      return 'Leave the symbol in the type: no fact needs to use it.';
    case 'type_changed':
    case 'decimal_changed':
      return `Publish a field of the new type beside \`${at}\`, and mark this one deprecated.`;
    default:
      return undefined;
  }
}
