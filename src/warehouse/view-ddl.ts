import type { ViewPlace } from '../core/view-tables.ts';
import type { QualifiedNames, ViewType } from './view-engine.ts';

/** An engine's names of the types that the tables have. */
export type ViewTypes = Readonly<Record<ViewType | 'text' | 'instant', string>>;

interface TableForm {
  readonly types: ViewTypes;
  readonly names: QualifiedNames;
  readonly quoteName: (name: string) => string;
  /** Behind the columns of `views`. */
  readonly viewsKey?: string;
  /** Behind the columns of a mapping's table; the column is the one that rows are found by. */
  readonly options?: (column: string) => string;
}

const STATE: readonly (readonly [string, keyof ViewTypes])[] = [
  ['project', 'text'],
  ['mapping', 'text'],
  ['layout', 'int8'],
  ['topic', 'text'],
  ...['position', 'entries', 'confirmable', 'quarantined', 'rows'].map((name) => [name, 'int8'] as const),
  ...['stamp', 'state', 'files', 'digest'].map((name) => [name, 'text'] as const),
  ['written_at', 'instant'],
];

/** The table `views`, where an engine needs nothing of its own. */
export function viewsTableText({ types, names, quoteName, viewsKey = '' }: TableForm): string {
  const columns = STATE.map(([name, type]) => `${quoteName(name)} ${types[type]} not null`);
  return `create table if not exists ${names.views} (\n  ${columns.join(', ')}${viewsKey}\n)`;
}

/** A mapping's tables. */
export function mappingTableTexts({ types, names, options = () => '' }: TableForm): readonly string[] {
  const { hash, bytes, int8, int2 } = types;
  return [
    `create table if not exists ${names.entries} (
  slot ${hash} not null, ordinal ${int8} not null, state ${int2} not null, row_hash ${bytes}, bytes ${bytes} not null
)${options('slot')}`,
    `create table if not exists ${names.rows} (
  handle ${hash} not null, ordinal ${int8} not null, verdict ${int2} not null, raw ${hash}, slot ${hash}
)${options('handle')}`,
  ];
}

/** All of it, for a person who has the right to run it. */
export function ddlText(
  places: readonly ViewPlace[],
  schemaTexts: (place: ViewPlace) => readonly string[],
  tableTexts: (place: ViewPlace) => readonly string[],
  grants: readonly string[],
): string {
  const [first] = places;
  if (first === undefined) return '';
  return [...schemaTexts(first), ...places.flatMap(tableTexts), ...grants].map((statement) => `${statement};\n`).join('');
}
