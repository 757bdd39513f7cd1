import { stringify } from 'lossless-json';
import type { FactCodec } from './codec.ts';
import { isObject, parseJson } from './json-tree.ts';
import { Rejection } from './rejection.ts';

/** A JSON object of the fields in the order of the mapping, without white space. */
export interface JsonCodec extends FactCodec {
  encode(fields: readonly string[]): string;
}

export function jsonCodec(fieldNames: readonly string[]): JsonCodec {
  const labels = labelsOf(fieldNames);
  return {
    contentType: 'application/json',
    encode: (fields) => joinObject(labels, fields),
    decode: (value) => {
      const tree = parseJson(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
      if (tree instanceof Rejection || !isObject(tree)) return undefined;
      const texts: string[] = [];
      for (const name of fieldNames) {
        if (!Object.hasOwn(tree, name)) return undefined;
        // Numbers keep their digits, and objects the order of their members.
        texts.push(stringify(tree[name]) as string);
      }
      return texts;
    },
  };
}

/** `{"a":`, `,"b":` …: what stands before each value. */
export function labelsOf(fieldNames: readonly string[]): readonly string[] {
  return fieldNames.map((name, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`);
}

export function joinObject(labels: readonly string[], texts: readonly string[]): string {
  let text = '';
  for (let i = 0; i < labels.length; i++) text += (labels[i] as string) + (texts[i] as string);
  return text === '' ? '{}' : `${text}}`;
}
