/**
 * Who reads with which contract. *Old readers* know the earlier version and meet facts of the later one: they break where a change is not forward compatible.
 * *New readers* know the later version and meet facts of the earlier one, which the topic still holds: they break where it is not backward compatible.
 */
export type Readers = 'old' | 'new';

/** What a change does to readers, by the rules of a format. */
export interface Effect {
  readonly breaks: readonly Readers[];
  /** The format reads on, but what it reads may not be what was written. */
  readonly caution?: string | undefined;
}

export type ChangeKind =
  | 'field_added'
  | 'field_removed'
  | 'field_renamed'
  | 'field_made_optional'
  | 'field_made_required'
  | 'fields_reordered'
  | 'type_changed'
  | 'decimal_changed'
  | 'symbol_added'
  | 'symbol_removed'
  | 'symbols_reordered'
  | 'field_renumbered'
  | 'number_reused'
  | 'symbol_renumbered'
  | 'list_wrapped'
  | 'default_changed'
  | 'aliases_changed'
  | 'description_changed'
  | 'deprecation_changed'
  | 'key_changed'
  | 'identity_changed'
  | 'data_subject_changed'
  | 'fact_renamed'
  | 'topic_changed'
  | 'topic_kept'
  | 'class_changed'
  | 'encoding_changed'
  | 'on_delete_changed'
  | 'owner_changed'
  | 'semantics_changed'
  | 'policy_changed'
  | 'rule_changed';

/** One difference between two versions of a contract. */
export interface ContractChange extends Effect {
  readonly kind: ChangeKind;
  /** The field (`address.city`, `tags[]`: the items of a list), or the key of the mapping file (`key`, `topic`). */
  readonly at: string;
  /** What is different: a sentence. */
  readonly message: string;
  /** What to do so that nobody breaks; absent where nobody does. */
  readonly advice?: string | undefined;
}

export const COMPATIBLE: Effect = { breaks: [] };
export const BREAKS_OLD: Effect = { breaks: ['old'] };
export const BREAKS_NEW: Effect = { breaks: ['new'] };
export const BREAKS_BOTH: Effect = { breaks: ['old', 'new'] };

/** `forward` and `backward` as two answers: whether old readers, and new ones, read on. */
export function effectOf(oldReads: boolean, newReads: boolean, caution?: string): Effect {
  return { breaks: [...(oldReads ? [] : (['old'] as const)), ...(newReads ? [] : (['new'] as const))], caution };
}
