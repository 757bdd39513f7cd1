import type { DescMessage } from '@bufbuild/protobuf';
import type { Instant } from '../instants.ts';
import type { ProtoField, ProtoMessage, ProtoType } from './proto-file.ts';

type Values = Record<string, unknown>;
type ReadMessage = (message: Readonly<Record<string, unknown>>) => Values;

/** From a message of the library to plain values by the names of the contract; what is absent is null. */
export function messageReader(message: ProtoMessage, descriptor: DescMessage): ReadMessage {
  const fields = message.fields.map((field) => {
    const desc = descriptor.fields.find(({ number }) => number === field.number);
    if (desc === undefined) throw new Error(`the descriptor lacks the field ${field.name}`);
    return { name: field.name, property: desc.localName, read: fieldReader(field, desc.message) };
  });
  return (given) => {
    const values: Values = {};
    for (const { name, property, read } of fields) values[name] = read(given[property]);
    return values;
  };
}

function fieldReader(field: ProtoField, descriptor: DescMessage | undefined): (value: unknown) => unknown {
  const read = valueReader(field.type, descriptor);
  if (field.label === 'repeated') return (values) => (values as readonly unknown[]).map(read);
  return (value) => (value === undefined ? null : read(value));
}

function valueReader(type: ProtoType, descriptor: DescMessage | undefined): (value: unknown) => unknown {
  switch (type.kind) {
    case 'timestamp':
      return (value) => {
        const { seconds, nanos } = value as { readonly seconds: bigint; readonly nanos: number };
        return { seconds: Number(seconds), micros: nanos / 1000 } satisfies Instant;
      };
    case 'message':
    case 'list': {
      if (descriptor === undefined) throw new Error(`the descriptor lacks the message ${type.message.name}`);
      const read = messageReader(type.message, descriptor);
      if (type.kind === 'message') return (value) => read(value as Values);
      return (value) => read(value as Values).items;
    }
    default:
      return (value) => value;
  }
}
