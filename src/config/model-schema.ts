import { z } from 'zod';
import { boolean, leaf, text } from './leaf.ts';
import { choice, column, cron, dbtVersion, lookback, modelName, schedule, timeZone } from './scalars.ts';

/** A table as `name`, `schema.name` or `database.schema.name`. How it is quoted is the warehouse adapter's matter. */
const tableName = () =>
  leaf<string>(
    (written) => {
      if (typeof written !== 'string' || written.trim() === '') return { refused: 'must be the name of a table', show: false };
      if (/\p{Cc}/u.test(written)) return { refused: 'holds a control character' };
      if (written.split('.').some((part) => part.trim() === ''))
        return { refused: 'is not the name of a table: a part between dots is empty' };
      if (/^\s*(select|with)\s/i.test(written))
        return { refused: 'is a query, not a table', suggestion: 'Write it under sql: instead of table:.' };
      return { value: written };
    },
    { type: 'string', minLength: 1 },
  );

/** The written form of a file in models/. */
export const modelSchemaWritten = z
  .strictObject({
    model: modelName().meta({ description: 'Name of the model.' }),
    description: text().optional().meta({ description: 'What a row means, for people.' }),
    owner: text().optional().meta({ description: 'Who answers for the model.' }),
    warehouse: text().optional().meta({ description: 'Name of a warehouse in headrace.yml. Of a `ref`: dbt.warehouse unless given.' }),
    ref: text().optional().meta({
      description:
        'What is read: a model, snapshot, seed or source of the dbt project, as name, package.name or source.table. Instead of table or sql.',
    }),
    version: dbtVersion().optional().meta({ description: "Version of a versioned dbt model; dbt's latest one unless given." }),
    table: tableName().optional().meta({ description: 'What is read: a table or view, as schema.name. Or sql, or sql_file.' }),
    sql: text().optional().meta({ description: 'What is read: a query.' }),
    sql_file: text()
      .optional()
      .meta({ description: "What is read: a file with a query, relative to the model's file. Nothing is replaced in it." }),
    key: z.array(column()).meta({ description: 'Columns that identify a row.', minItems: 1 }),
    cursor: z
      .strictObject({
        column: column().meta({ description: 'Column that rises with every change of a row.' }),
        lookback: lookback().meta({ description: 'How far behind the watermark each run reads again: 15m, or a count for a number.' }),
        nulls: choice(['always', 'never', 'reject']).optional().meta({
          description: 'Rows without a cursor value: read in every run, never read, or quarantined.',
          default: 'always',
        }),
      })
      .optional()
      .meta({ description: 'Orders changes. Without it every run reads everything.' }),
    deletes: z
      .union([
        z.literal('none'),
        z.strictObject({
          missing_rows: boolean()
            .optional()
            .meta({ description: 'A key that a full comparison no longer finds is deleted.', default: false }),
          column: column().optional().meta({ description: 'Soft-delete column: true, not zero, or not null means deleted.' }),
        }),
      ])
      .optional()
      .meta({ description: 'How a deletion is seen.', default: 'none' }),
    append_only: boolean().optional().meta({
      description: 'Rows are never changed or deleted: entries of the snapshot expire behind the lookback. For behavior mappings only.',
      default: false,
    }),
    change_feed: choice(['changes', 'appends']).optional().meta({
      description:
        'Between full comparisons, ask the warehouse which rows were committed since the last run, instead of reading by the cursor: changes (Snowflake, BigQuery: CHANGES), or of an append_only model appends (BigQuery: APPENDS). Where it cannot tell, the cursor decides.',
    }),
    full_comparison: cron().optional().meta({ description: 'Cron (five fields) of the runs that read the whole model.' }),
    schedule: schedule().optional().meta({ description: 'Cron (five fields), or how often (30s, 15m): the runs under `headrace serve`.' }),
    timezone: timeZone().optional().meta({ description: 'IANA name, of both: as Europe/Berlin. That of headrace.yml unless given.' }),
  })
  .meta({
    title: 'Model',
    oneOf: [
      { required: ['table', 'warehouse'] },
      { required: ['sql', 'warehouse'] },
      { required: ['sql_file', 'warehouse'] },
      { required: ['ref'] },
    ],
  });

export type WrittenModel = z.output<typeof modelSchemaWritten>;
