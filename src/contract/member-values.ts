import { isLosslessNumber } from 'lossless-json';
import type { FieldType } from '../core/field-type.ts';
import { canonicalJson, isArray, isObject, type JsonTree, parseJson } from './json-tree.ts';
import { unquote } from './quote.ts';
import { Rejection } from './rejection.ts';

/** What a binary encoding makes of a scalar's plain text (core/fact.ts, without quotes), and back to the canonical JSON text. */
export interface ScalarForm {
  fromPlain(plain: string): unknown;
  toText(value: unknown): string;
}

export type ScalarForms = (type: FieldType) => ScalarForm;

/** Canonical JSON text ↔ value: arrays are arrays, objects are plain objects by member name, what is absent is null. */
export interface MemberForm {
  fromText(text: string): unknown;
  toText(value: unknown): string;
}

/** Compiled once per field. Only arrays and objects are parsed as JSON; a scalar's text is its value but for the quotes. */
export function memberForm(type: FieldType, optional: boolean, scalars: ScalarForms): MemberForm {
  const form = compile(type, scalars);
  if (!optional) return form;
  return {
    fromText: (text) => (text === 'null' ? null : form.fromText(text)),
    toText: (value) => (value === null ? 'null' : form.toText(value)),
  };
}

interface CompiledForm extends MemberForm {
  fromTree(tree: JsonTree): unknown;
}

function compile(type: FieldType, scalars: ScalarForms): CompiledForm {
  switch (type.kind) {
    case 'array':
      return arrayForm(compile(type.items, scalars));
    case 'object':
      return objectForm(type.members.map(({ name, type: inner, optional }) => ({ name, optional, form: compile(inner, scalars) })));
    case 'json':
      return { fromText: (text) => text, fromTree: canonicalJson, toText: (value) => value as string };
    default: {
      const { fromPlain, toText } = scalars(type);
      return { fromText: (text) => fromPlain(unquote(text)), fromTree: (tree) => fromPlain(plainOf(tree)), toText };
    }
  }
}

function arrayForm(item: CompiledForm): CompiledForm {
  const fromTree = (tree: JsonTree) => {
    if (!isArray(tree)) throw unexpected('an array');
    return tree.map(item.fromTree);
  };
  return {
    fromTree,
    fromText: (text) => fromTree(treeOf(text)),
    toText: (value) => `[${(value as readonly unknown[]).map(item.toText).join(',')}]`,
  };
}

function objectForm(members: readonly { readonly name: string; readonly optional: boolean; readonly form: CompiledForm }[]): CompiledForm {
  const fromTree = (tree: JsonTree) => {
    if (!isObject(tree)) throw unexpected('an object');
    const values: Record<string, unknown> = {};
    for (const { name, optional, form } of members) {
      const inner = tree[name] ?? null;
      values[name] = inner === null && optional ? null : form.fromTree(inner);
    }
    return values;
  };
  const labels = members.map(({ name }, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const toText = (value: unknown) => {
    let text = '';
    for (const [i, { name, optional, form }] of members.entries()) {
      const inner = (value as Readonly<Record<string, unknown>>)[name] ?? null;
      text += labels[i] + (inner === null && optional ? 'null' : form.toText(inner));
    }
    return `${text}}`;
  };
  return { fromTree, fromText: (text) => fromTree(treeOf(text)), toText };
}

function plainOf(tree: JsonTree): string {
  if (typeof tree === 'string') return tree;
  if (isLosslessNumber(tree)) return tree.value;
  if (typeof tree === 'boolean') return String(tree);
  throw unexpected('a scalar');
}

function treeOf(text: string): JsonTree {
  const tree = parseJson(text);
  if (tree instanceof Rejection) throw unexpected('JSON');
  return tree;
}

/** A bug: mapping gives canonical texts, or rejects the row. No value in the message (promise 10). */
function unexpected(what: string): Error {
  return new Error(`a field of a fact is not ${what}, as its type says`);
}

// What the binary encodings have in common.
export const QUOTED: ScalarForm = { fromPlain: (plain) => plain, toText: (value) => JSON.stringify(value) };
export const NUMBER: ScalarForm = { fromPlain: Number, toText: String };
export const BOOLEAN: ScalarForm = { fromPlain: (plain) => plain === 'true', toText: String };
export const INT64: ScalarForm = { fromPlain: BigInt, toText: (value) => `"${value as bigint}"` };
