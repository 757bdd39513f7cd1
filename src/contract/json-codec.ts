import { stringify } from 'lossless-json';
import type { FactCodec } from './codec.ts';
import { isObject, parseJson } from './json-tree.ts';
import { mediaTypeOf } from './media-type.ts';
import { Rejection } from './rejection.ts';

/** A JSON object of the fields in the order of the mapping, without white space. */
export interface JsonCodec extends FactCodec {
  encode(fields: readonly string[]): string;
}

export function jsonCodec(fieldNames: readonly string[]): JsonCodec {
  const labels = labelsOf(fieldNames);
  return {
    contentType: mediaTypeOf('json'),
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

/** In one piece: a text put together by `+` is a tree until somebody reads it, and what waits to be published would be many small objects. */
export function joinObject(labels: readonly string[], texts: readonly string[]): string {
  if (labels.length === 0) return '{}';
  const parts = new Array<string>(2 * labels.length + 1);
  for (let i = 0; i < labels.length; i++) {
    parts[2 * i] = labels[i] as string;
    parts[2 * i + 1] = texts[i] as string;
  }
  parts[2 * labels.length] = '}';
  return parts.join('');
}
