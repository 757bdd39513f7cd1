import type { FactCodec } from './codec.ts';

/** A JSON object of the fields in the order of the mapping, without white space. */
export interface JsonCodec extends FactCodec {
  encode(fields: readonly string[]): string;
}

export function jsonCodec(fieldNames: readonly string[]): JsonCodec {
  const labels = labelsOf(fieldNames);
  return { contentType: 'application/json', encode: (fields) => joinObject(labels, fields) };
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
