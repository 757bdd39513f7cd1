import type { FieldType } from '../../core/field-type.ts';
import type { ContractField } from '../contract.ts';
import type { Effect } from './change.ts';

/**
 * What the specification of a format says of each change of a field. Types are compared one level at a time: arrays by their items, objects by their members,
 * enums by their symbols; `retyped` gets what is left.
 */
export interface FormatRules {
  added(field: ContractField): Effect;
  removed(field: ContractField): Effect;
  /** `after.aliases` names `before`. */
  renamed(before: ContractField, after: ContractField): Effect;
  madeOptional(): Effect;
  madeRequired(): Effect;
  /** Two kinds, or two decimals of different precision or scale. */
  retyped(before: FieldType, after: FieldType): Effect;
  symbolAdded(): Effect;
  symbolRemoved(): Effect;
  symbolsReordered(): Effect;
  /** Whether the format knows fields and symbols by their numbers: then a number belongs to one of them for ever (see numbers.ts). */
  readonly isNumbered: boolean;
}
