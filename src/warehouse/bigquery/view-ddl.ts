import type { BigQueryConfig } from '../../config/project.ts';
import type { ViewPlace } from '../../core/view-tables.ts';
import { mappingTableTexts, ddlText as textOf, type ViewTypes, viewsTableText } from '../view-ddl.ts';
import type { QualifiedNames, ViewDialect } from '../view-engine.ts';
import { VIEW_LAYOUT, viewNames } from '../view-names.ts';
import { BIGQUERY_DIALECT, quoteText } from './dialect.ts';

const { quoteName } = BIGQUERY_DIALECT;

/** Hashes are texts of 32 hexadecimal digits: BigQuery clusters no table by BYTES. */
export const TYPES: ViewTypes = { hash: 'string', bytes: 'bytes', int8: 'int64', int2: 'int64', text: 'string', instant: 'timestamp' };

/** `staged`: the name of a table that a process brings rows in. */
export function viewDialect(config: ViewConfig, staged: (name: string) => string): ViewDialect {
  return {
    hasKeys: false,
    names: (place) => namesOf(config, place),
    quoteName,
    quoteText,
    bytes: (hex) => quoteText(hex),
    staged,
    upsert: (table, columns, source) => {
      const [key = '', ...rest] = columns;
      return [
        `merge into ${table} as t using (${source}) as s on t.${key} = s.${key}
when matched then update set ${rest.map((name) => `${name} = s.${name}`).join(', ')}
when not matched then insert (${columns.join(', ')}) values (${columns.map((name) => `s.${name}`).join(', ')})`,
      ];
    },
    empty: (table) => `delete from ${table} where true`,
    schemaTexts: (place) => schemaTexts(config, place),
    tableTexts: (place) => tableTexts(config, place),
  };
}

/** Which project the dataset lies in, and where in the world. */
export type ViewConfig = Pick<BigQueryConfig, 'project' | 'dataLocation'>;

/** A transaction that changes a table ends every other one that does: each mapping has a table of its own for its state, too. */
export function namesOf({ project }: ViewConfig, place: ViewPlace): QualifiedNames {
  const { schema, state, entries, rows } = viewNames(place);
  const dataset = `${quoteName(project)}.${quoteName(schema)}`;
  const inside = (name: string): string => `${dataset}.${quoteName(name)}`;
  return { schema: dataset, views: inside(state), entries: inside(entries), rows: inside(rows) };
}

function schemaTexts(config: ViewConfig, place: ViewPlace): readonly string[] {
  const { dataLocation } = config;
  const options = dataLocation === undefined ? '' : ` options (location = ${quoteText(dataLocation)})`;
  return [`create schema if not exists ${namesOf(config, place).schema}${options}`];
}

function tableTexts(config: ViewConfig, place: ViewPlace): readonly string[] {
  const text = `Headrace, layout ${VIEW_LAYOUT}: a view of ${place.topic}. May be dropped: it is made anew from the topic.`;
  const options = (column: string) => `\ncluster by ${column}\noptions (description = ${quoteText(text)})`;
  const form = { types: TYPES, names: namesOf(config, place), quoteName, options };
  return [viewsTableText(form), ...mappingTableTexts(form)];
}

/** What an account needs beside its rights to the models: in the dataset that is Headrace's own. */
export function grantTexts(config: ViewConfig, places: readonly ViewPlace[], role: string): readonly string[] {
  const [first] = places;
  if (first === undefined) return [];
  const member = JSON.stringify(memberOf(config, role));
  return [`grant \`roles/bigquery.dataEditor\` on schema ${namesOf(config, first).schema} to ${member}`];
}

/** BigQuery has no roles of a database: `group:data@example.com` stands for itself, an address for its account, and a name for a service account of the project. */
function memberOf({ project }: ViewConfig, role: string): string {
  if (role.includes(':')) return role;
  if (!role.includes('@')) return `serviceAccount:${role}@${project}.iam.gserviceaccount.com`;
  return `${role.endsWith('.gserviceaccount.com') ? 'serviceAccount' : 'user'}:${role}`;
}

export function ddlText(config: ViewConfig, places: readonly ViewPlace[], role: string): string {
  const note =
    config.dataLocation === undefined && places.length > 0
      ? '-- `location` of the warehouse is not set: run this where the datasets of the models lie, or BigQuery puts the dataset into its default location.\n'
      : '';
  return (
    note +
    textOf(
      places,
      (place) => schemaTexts(config, place),
      (place) => tableTexts(config, place),
      grantTexts(config, places, role),
    )
  );
}
