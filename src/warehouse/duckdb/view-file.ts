import path from 'node:path';
import type { DuckDbConfig } from '../../config/project.ts';
import type { ViewPlace } from '../../core/view-tables.ts';
import { mappingTableTexts, type ViewTypes, viewsTableText } from '../view-ddl.ts';
import type { QualifiedNames, ViewDialect } from '../view-engine.ts';
import { viewNames } from '../view-names.ts';
import { DUCKDB_DIALECT, quoteText } from './dialect.ts';
import type { FileUse } from './files.ts';

export const TYPES: ViewTypes = { hash: 'blob', bytes: 'blob', int8: 'bigint', int2: 'smallint', text: 'varchar', instant: 'timestamptz' };

/**
 * Where a view lies: in a file of its own, in a folder beside the warehouse's. The warehouse's file is never written to, and a mapping that is written shuts out
 * no other: a DuckDB file has one writer.
 */
export function viewFile({ path: warehouse }: Pick<DuckDbConfig, 'path'>, { schema, project, mapping }: ViewPlace): Required<FileUse> {
  const name = `${project}.${mapping}`;
  return { path: path.join(`${warehouse}.${schema}`, `${name}.duckdb`), alias: `headrace view ${name}`, write: true };
}

export const VIEW_DIALECT: ViewDialect = {
  hasKeys: true,
  names,
  quoteName: DUCKDB_DIALECT.quoteName,
  quoteText,
  bytes: (hex) => `unhex('${hex}')`,
  staged: (name) => `temp.main.${name}`,
  upsert: (table, columns, source) => {
    const [key = '', ...rest] = columns;
    const sets = rest.map((name) => `${name} = s.${name}`).join(', ');
    return [
      `merge into ${table} as t using (${source}) as s on t.${key} = s.${key}
when matched then update set ${sets}
when not matched then insert (${columns.join(', ')}) values (${columns.map((name) => `s.${name}`).join(', ')})`,
    ];
  },
  empty: (table) => `truncate ${table}`,
  schemaTexts: (place) => [
    `create schema if not exists ${names(place).schema}`,
    viewsTableText({ ...formOf(place), viewsKey: ',\n  primary key (project, mapping)' }),
  ],
  tableTexts: (place) => mappingTableTexts(formOf(place)),
};

/** What a run does by itself, for a person who wants to see it. */
export function ddlText(config: Pick<DuckDbConfig, 'path'>, places: readonly ViewPlace[]): string {
  const folder = places[0] === undefined ? '' : path.dirname(viewFile(config, places[0]).path);
  const texts = places.flatMap((place) => {
    const { path: file, alias } = viewFile(config, place);
    return [
      `attach ${quoteText(file)} as ${DUCKDB_DIALECT.quoteName(alias)}`,
      ...VIEW_DIALECT.schemaTexts(place),
      ...VIEW_DIALECT.tableTexts(place),
      `detach ${DUCKDB_DIALECT.quoteName(alias)}`,
    ];
  });
  const note = `-- DuckDB has no roles: whoever runs Headrace must be able to write in ${folder}, where a run makes these files by itself.\n`;
  return texts.length === 0 ? '' : note + texts.map((text) => `${text};\n`).join('');
}

function names(place: ViewPlace): QualifiedNames {
  const { schema, views, entries, rows } = viewNames(place);
  const { quoteName } = DUCKDB_DIALECT;
  const qualified = `${quoteName(`headrace view ${place.project}.${place.mapping}`)}.${quoteName(schema)}`;
  const inside = (name: string): string => `${qualified}.${quoteName(name)}`;
  return { schema: qualified, views: inside(views), entries: inside(entries), rows: inside(rows) };
}

function formOf(place: ViewPlace) {
  return { types: TYPES, names: names(place), quoteName: DUCKDB_DIALECT.quoteName };
}
