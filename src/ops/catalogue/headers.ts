import type { Mapping } from '../../config/project.ts';

/** A header of an event, for those who read it (docs/protocol.md). */
export interface HeaderWords {
  readonly name: string;
  readonly meaning: string;
  /** Absent from some events. */
  readonly optional: boolean;
  readonly constant?: string | undefined;
  readonly symbols?: readonly string[] | undefined;
}

/** The headers of a mapping's facts, as `publish/envelope.ts` writes them. */
export function headersOf(project: string, mapping: Mapping): readonly HeaderWords[] {
  const { major, minor } = mapping.version;
  const type = (operation: string) => `${mapping.fact}.v${major}.${operation}`;
  const hasSubject = mapping.identity.join('\0') !== mapping.key.join('\0');
  const deletes = mapping.onDelete !== 'none';
  const header = (name: string, meaning: string, rest: Partial<HeaderWords> = {}): HeaderWords => ({
    name,
    meaning,
    optional: false,
    ...rest,
  });
  return [
    header('ce_specversion', 'CloudEvents, in Kafka’s binary mode.', { constant: '1.0' }),
    header('ce_id', 'The same for the same change, however often it is sent: deduplicate by it.'),
    header('ce_source', 'Who published the event.', { constant: `/headrace/${project}/${mapping.name}` }),
    header('ce_type', 'What happened to the fact.', {
      symbols: ['created', ...(mapping.class === 'behavior' ? [] : ['updated']), ...(deletes ? ['deleted'] : [])].map(type),
    }),
    header('ce_time', 'When what the fact says happened; of a deletion, when it was noticed. RFC 3339, UTC.'),
    header('ce_factversion', 'The version of this fact, from 1, rising by one: keep the highest that you applied, and pass over the rest.'),
    header('ce_runid', 'The run that published the event.'),
    header('ce_dataschema', 'The contract. Not on a tombstone.', {
      constant: `urn:headrace:${project}:${mapping.fact}:${major}.${minor}`,
      optional: deletes,
    }),
    header('content-type', 'The encoding of the value. Not on a tombstone.', { optional: deletes }),
    ...(hasSubject ? [header('ce_subject', `The identity: ${mapping.identity.join(', ')}.`)] : []),
    ...(mapping.class === 'behavior'
      ? []
      : [header('ce_changed', 'Of an update: the names of the fields that changed, separated by commas.', { optional: true })]),
    ...(deletes
      ? [
          header('ce_deletereason', 'Why the fact ended.', {
            optional: true,
            symbols: ['vanished', 'soft_deleted', 'left_scope', 'erased', 'undone'],
          }),
        ]
      : []),
    header('ce_origin', 'Absent for a live event.', { optional: true, symbols: ['backfill', 'replay', 'undo'] }),
    header('ce_approval', 'The plan under which it was approved.', { optional: true }),
    header('ce_undoes', 'Of an undo: `ce_id` of the event that is taken back.', { optional: true }),
    header('traceparent', 'W3C Trace Context.', { optional: true }),
  ];
}
