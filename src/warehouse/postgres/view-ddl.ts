import type { ViewPlace } from '../../core/view-tables.ts';
import { ddlText as textOf } from '../view-ddl.ts';
import type { QualifiedNames } from '../view-engine.ts';
import { VIEW_LAYOUT, viewNames } from '../view-names.ts';
import { POSTGRES_DIALECT, quoteText } from './dialect.ts';

export function qualifiedNames(place: ViewPlace): QualifiedNames {
  const { schema, views, entries, rows } = viewNames(place);
  const quoted = (name: string) => `${POSTGRES_DIALECT.quoteName(schema)}.${POSTGRES_DIALECT.quoteName(name)}`;
  return { schema: POSTGRES_DIALECT.quoteName(schema), views: quoted(views), entries: quoted(entries), rows: quoted(rows) };
}

export function schemaText({ schema, views }: QualifiedNames): readonly string[] {
  return [
    `create schema if not exists ${schema}`,
    `create table if not exists ${views} (
  project text not null, mapping text not null, layout integer not null, topic text not null, position bigint not null,
  entries bigint not null, confirmable bigint not null, quarantined bigint not null, rows bigint not null,
  stamp text not null, state text not null, files text not null, digest text not null, written_at timestamptz not null,
  primary key (project, mapping)
)`,
  ];
}

export function tableTexts(place: ViewPlace): readonly string[] {
  const { entries, rows } = qualifiedNames(place);
  const of = quoteText(`Headrace, layout ${VIEW_LAYOUT}: a view of ${place.topic}. May be dropped: it is made anew from the topic.`);
  const { quoteName } = POSTGRES_DIALECT;
  const names = viewNames(place);
  return [
    `create table if not exists ${entries} (
  slot bytea primary key, ordinal bigint not null, state smallint not null, row_hash bytea, bytes bytea not null
)`,
    `create index if not exists ${quoteName(`${names.entries}_ordinal`)} on ${entries} (ordinal)`,
    // Room for the next version of a row beside it.
    `create table if not exists ${rows} (
  handle bytea primary key, ordinal bigint not null, verdict smallint not null, raw bytea, slot bytea
) with (fillfactor = 90)`,
    `create index if not exists ${quoteName(`${names.rows}_ordinal`)} on ${rows} (ordinal)`,
    `comment on table ${entries} is ${of}`,
    `comment on table ${rows} is ${of}`,
  ];
}

export function grantTexts(places: readonly ViewPlace[], role: string): readonly string[] {
  const to = POSTGRES_DIALECT.quoteName(role);
  const [first] = places;
  if (first === undefined) return [];
  const { schema, views } = qualifiedNames(first);
  return [
    `grant usage on schema ${schema} to ${to}`,
    `grant select, insert, update on ${views} to ${to}`,
    ...places.map((place) => {
      const { entries, rows } = qualifiedNames(place);
      return `grant select, insert, update, delete, truncate on ${entries}, ${rows} to ${to}`;
    }),
  ];
}

export function ddlText(places: readonly ViewPlace[], role: string): string {
  return textOf(places, (place) => schemaText(qualifiedNames(place)), tableTexts, grantTexts(places, role));
}
