import type { ViewPlace } from '../../core/view-tables.ts';
import { mappingTableTexts, ddlText as textOf, type ViewTypes, viewsTableText } from '../view-ddl.ts';
import type { QualifiedNames, ViewDialect } from '../view-engine.ts';
import { VIEW_LAYOUT, viewNames } from '../view-names.ts';
import { quoteText, SNOWFLAKE_DIALECT } from './dialect.ts';

export const TYPES: ViewTypes = {
  hash: 'binary',
  bytes: 'binary',
  int8: 'number(19,0)',
  int2: 'number(5,0)',
  text: 'varchar',
  instant: 'timestamp_ltz',
};

export const VIEW_DIALECT: ViewDialect = {
  hasKeys: false,
  names,
  quoteName: stored,
  quoteText,
  bytes: (hex) => `to_binary('${hex}', 'HEX')`,
  staged: (name) => name,
  upsert: (table, columns, source) => [
    `delete from ${table} where ${columns[0]} in (select ${columns[0]} from (${source}) as s)`,
    `insert into ${table} (${columns.join(', ')}) ${source}`,
  ],
  // `truncate` would end the transaction's chance to be rolled back.
  empty: (table) => `delete from ${table}`,
  schemaTexts: (place) => [`create schema if not exists ${names(place).schema}`],
  tableTexts: (place) => {
    const form = { types: TYPES, names: names(place), quoteName: stored, options: () => `\ncomment = ${comment(place)}` };
    return [viewsTableText(form), ...mappingTableTexts(form)];
  },
};

/** What a role needs beside its rights to the models. */
export function grantTexts(places: readonly ViewPlace[], role: string): readonly string[] {
  const [first] = places;
  if (first === undefined) return [];
  const to = `to role ${stored(role)}`;
  const { schema } = names(first);
  return [
    `grant usage on schema ${schema} ${to}`,
    `grant create temporary table on schema ${schema} ${to}`,
    ...places.flatMap((place) => {
      const { views, entries, rows } = names(place);
      return [views, entries, rows].map((table) => `grant select, insert, update, delete on table ${table} ${to}`);
    }),
  ];
}

export function ddlText(places: readonly ViewPlace[], role: string): string {
  return textOf(places, VIEW_DIALECT.schemaTexts, VIEW_DIALECT.tableTexts, grantTexts(places, role));
}

/** As Snowflake stores what is written without quotes. */
export function stored(name: string): string {
  return SNOWFLAKE_DIALECT.quoteName(SNOWFLAKE_DIALECT.unquotedName?.(name) ?? name);
}

/** Where a statement changes a table, Snowflake lets no other transaction change it: each mapping has a table of its own for its state, too. */
function names(place: ViewPlace): QualifiedNames {
  const { schema, state, entries, rows } = viewNames(place);
  const inside = (name: string): string => `${stored(schema)}.${stored(name)}`;
  return { schema: stored(schema), views: inside(state), entries: inside(entries), rows: inside(rows) };
}

function comment({ topic }: ViewPlace): string {
  return quoteText(`Headrace, layout ${VIEW_LAYOUT}: a view of ${topic}. May be dropped: it is made anew from the topic.`);
}
