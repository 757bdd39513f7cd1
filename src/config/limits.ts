import type { CursorConfig, Mapping, Model, Project } from './project.ts';
import { scheduleOf, scheduleText } from './schedule.ts';

export interface MappingLimits {
  readonly mapping: string;
  /** One sentence each: what this mapping, as it is configured, cannot promise, and what would change it. */
  readonly limits: readonly string[];
}

/** What cannot be promised, per mapping: for `headrace validate`. */
export function limitsOf(project: Project): readonly MappingLimits[] {
  return [...project.mappings.values()].map((mapping) => {
    const model = project.models.get(mapping.model);
    return { mapping: mapping.name, limits: model === undefined ? [] : [...modelLimits(model), ...mappingLimits(mapping, model)] };
  });
}

function modelLimits(model: Model): readonly string[] {
  const limits: string[] = [];
  const { cursor } = model;
  if (!model.appendOnly) limits.push('Versions of a row between two runs are not seen: each run publishes the state that it finds.');
  if (cursor === undefined) limits.push(`Model ${model.name} has no cursor: every run reads all of it.`);
  else limits.push(...cursorLimits(model, cursor));
  limits.push(...deleteLimits(model));
  return limits;
}

function cursorLimits(model: Model, cursor: CursorConfig): readonly string[] {
  const limits: string[] = [];
  const none = 'ms' in cursor.lookback ? cursor.lookback.ms === 0 : cursor.lookback.count === 0;
  const seen =
    model.fullComparison === undefined ? 'are not seen: no full_comparison is scheduled' : 'are not seen until the next full comparison';
  const until = model.changeFeed === undefined ? seen : `${seen}, where the change feed could not be read`;
  if (none) limits.push(`There is no lookback: rows that are committed after a row with a higher ${cursor.column} was read ${until}.`);
  else limits.push(`Rows that appear more than ${lookbackText(cursor)} behind the highest ${cursor.column} ${until}.`);
  if (!model.appendOnly) limits.push(`Changes that leave ${cursor.column} as it is ${until}.`);
  if (model.changeFeed === 'appends')
    limits.push('Rows that are added and removed again before a run are published: the change feed shows what was added.');
  if (cursor.nulls === 'never') limits.push(`Rows whose ${cursor.column} is NULL are never read.`);
  return limits;
}

function deleteLimits(model: Model): readonly string[] {
  const { missingRows, column } = model.deletes;
  if (model.appendOnly) return ['Deleted rows are not noticed: the model is append_only.'];
  if (!missingRows && column === undefined)
    return ['Deleted rows are not noticed: give the model `deletes: { missing_rows: true }` or a soft-delete column.'];
  if (!missingRows) return [`A row that is removed without setting ${column} is not noticed: add \`missing_rows: true\`.`];
  if (model.cursor === undefined) return [];
  const seen =
    model.fullComparison === undefined
      ? 'never found by itself: no full_comparison is scheduled'
      : `found by the next full comparison (${scheduleText(model.fullComparison)})`;
  return [`A row that is removed${column === undefined ? '' : ` without setting ${column}`} is ${seen}.`];
}

function mappingLimits(mapping: Mapping, model: Model): readonly string[] {
  const limits: string[] = [];
  if (mapping.class === 'behavior') {
    limits.push('A changed row is quarantined: behavior facts have one version.');
    if (model.appendOnly)
      limits.push(
        'A row that arrives a day (or one more lookback, if that is longer) behind the lookback is counted and not published: entries have expired there.',
        `An event whose ${model.cursor?.column ?? 'cursor'} changes later, as in a table that is loaded anew, is published again once its entry has expired.`,
      );
  } else if (mapping.onDelete === 'none') limits.push('Deletions publish nothing (on_delete: none): consumers keep the last fact.');
  const retention = mapping.topicSpec.config.get('retention.ms');
  if (mapping.topicSpec.config.get('cleanup.policy') === 'delete' && retention !== undefined && retention !== '-1')
    limits.push(`Consumers that are away for longer than ${durationText(Number(retention))} miss events (retention.ms).`);
  if (mapping.initialLoad === 'baseline') limits.push('The facts of the first run are recorded, not published (initial_load: baseline).');
  if (mapping.undo === 'none' && mapping.class === 'command') limits.push('A wrong command cannot be undone from here (undo: none).');
  if (mapping.dataSubject === undefined) limits.push('Consent and erasure cannot find these facts: there is no data_subject.');
  if (scheduleOf(mapping, model) === undefined) limits.push('It runs only when it is started: it has no schedule.');
  return limits;
}

function lookbackText({ lookback }: CursorConfig): string {
  return 'ms' in lookback ? durationText(lookback.ms) : String(lookback.count);
}

function durationText(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1000, 's'],
  ] as const;
  const [size, unit] = units.find(([each]) => ms % each === 0) ?? [1, 'ms'];
  return `${ms / size}${unit}`;
}
