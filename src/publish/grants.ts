import type { Mapping, Project } from '../config/project.ts';
import { doctorIdOf, topicsOf, transactionalIdOf } from './topics.ts';

/** Kafka's operations on resources, in the words of `kafka-acls.sh` (https://kafka.apache.org/documentation/#operations_in_kafka). */
export type Operation = 'Read' | 'Write' | 'Create' | 'Delete' | 'Describe' | 'DescribeConfigs' | 'AlterConfigs';

export type ResourceType = 'topic' | 'group' | 'transactional-id' | 'cluster';

/** One thing that a principal may do: an ACL that allows it, from any host. */
export interface Grant {
  readonly resource: ResourceType;
  readonly name: string;
  /** `prefixed`: on every resource whose name begins with `name`. */
  readonly pattern: 'literal' | 'prefixed';
  readonly operation: Operation;
}

/** What somebody wants to do with a project's topics, by the command that does it; `consume` is for those who read the facts. */
export const PURPOSES = ['run', 'plan', 'status', 'runs', 'quarantine', 'doctor', 'topics-plan', 'topics-apply', 'consume'] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface NeededGrant extends Grant {
  readonly purposes: readonly Purpose[];
  /** The mappings that it is for; none for what a project has once. */
  readonly mappings: readonly string[];
}

export interface GrantOptions {
  /** One grant for all internal topics, transactional ids and groups of the project, present and future, instead of one for each. */
  readonly prefixed?: boolean;
  /** Of `consume`: the consumers' group; with a `*` at its end every group that begins so. */
  readonly consumerGroup?: string | undefined;
}

type Place = 'facts' | 'snapshot' | 'quarantine' | 'runs' | 'transactionalId' | 'readerGroups' | 'doctorId' | 'consumerGroup';

const APPLY: readonly Operation[] = ['Describe', 'Create', 'AlterConfigs'];
const LOOK_AT_SETTINGS: readonly Operation[] = ['Describe', 'DescribeConfigs'];

/**
 * What each purpose does, and no more: test/publish/grants.pg.test.ts takes away each one by itself, and the command that needs it has to name it. What another
 * operation implies is not listed: Read and Write imply Describe, AlterConfigs implies DescribeConfigs.
 */
const NEEDS: Readonly<Record<Purpose, Readonly<Partial<Record<Place, readonly Operation[]>>>>> = {
  run: {
    // Read: what Kafka left undecided is looked for there (src/run/undecided.ts).
    facts: ['Read', 'Write', 'DescribeConfigs'],
    snapshot: ['Read', 'Write', 'DescribeConfigs'],
    quarantine: ['Write'],
    runs: ['Write'],
    transactionalId: ['Write'],
    readerGroups: ['Read'],
  },
  plan: {
    facts: ['Read', 'DescribeConfigs'],
    snapshot: ['Read', 'DescribeConfigs'],
    quarantine: ['Describe'],
    runs: ['Describe'],
    readerGroups: ['Read'],
  },
  status: { snapshot: ['Read'], runs: ['Read'], readerGroups: ['Read'] },
  runs: { runs: ['Read'], readerGroups: ['Read'] },
  quarantine: { snapshot: ['Read'], quarantine: ['Read'], readerGroups: ['Read'] },
  doctor: {
    facts: LOOK_AT_SETTINGS,
    snapshot: ['Read', 'DescribeConfigs'],
    quarantine: LOOK_AT_SETTINGS,
    runs: LOOK_AT_SETTINGS,
    readerGroups: ['Read'],
    doctorId: ['Write'],
  },
  'topics-plan': { facts: LOOK_AT_SETTINGS, snapshot: LOOK_AT_SETTINGS, quarantine: LOOK_AT_SETTINGS, runs: LOOK_AT_SETTINGS },
  'topics-apply': { facts: APPLY, snapshot: APPLY, quarantine: APPLY, runs: APPLY },
  consume: { facts: ['Read'], consumerGroup: ['Read'] },
};

/**
 * The fewest grants with which the purposes can be done for these mappings. Sorted by resource and name; what another of them implies is left out. No grant on the cluster is
 * among them.
 */
export function grantsFor(
  project: Pick<Project, 'name'>,
  mappings: Iterable<Mapping>,
  purposes: readonly Purpose[],
  options: GrantOptions = {},
): readonly NeededGrant[] {
  const needed = new Map<string, { grant: Grant; purposes: Set<Purpose>; mappings: Set<string> }>();
  for (const mapping of mappings) {
    for (const purpose of purposes) {
      for (const [place, operations] of Object.entries(NEEDS[purpose]) as [Place, readonly Operation[]][]) {
        for (const operation of operations) {
          const grant: Grant = { ...resourceOf(place, project.name, mapping, options), operation };
          const id = JSON.stringify([grant.resource, grant.pattern, grant.name, grant.operation]);
          const known = needed.get(id) ?? { grant, purposes: new Set(), mappings: new Set() };
          needed.set(id, known);
          known.purposes.add(purpose);
          if (!isOfTheProject(place)) known.mappings.add(mapping.name);
        }
      }
    }
  }
  const all = [...needed];
  for (const [id, weak] of all) {
    const stronger = all.map(([, one]) => one).filter((one) => one !== weak && covers(one.grant, weak.grant));
    if (stronger.length === 0) continue;
    needed.delete(id);
    // Where two imply it, the lack of one of them goes unnoticed by what needs the weaker one alone.
    const [only] = stronger.length === 1 ? stronger : [];
    for (const purpose of only === undefined ? [] : weak.purposes) only?.purposes.add(purpose);
  }
  return [...needed.values()]
    .map(({ grant, purposes: by, mappings: of }) => ({
      ...grant,
      purposes: PURPOSES.filter((purpose) => by.has(purpose)),
      mappings: [...of],
    }))
    .sort(byResource);
}

/** Which of the grants would have allowed what the broker refused; the refused operation itself where none of them speaks of it. */
export function grantsThatAllow(refused: Grant, grants: readonly Grant[]): readonly Grant[] {
  const allowing = grants.filter((grant) => covers(grant, refused));
  return allowing.length > 0 ? allowing : [refused];
}

/** Whether who has the one needs not be given the other. */
function covers(grant: Grant, other: Grant): boolean {
  const isSame = grant.pattern === other.pattern && grant.name === other.name;
  const isWithin = grant.pattern === 'prefixed' && other.name.startsWith(grant.name);
  return grant.resource === other.resource && (isSame || isWithin) && implies(grant.operation, other.operation);
}

/** https://kafka.apache.org/documentation/#resources_in_kafka: some operations imply others. */
function implies(operation: Operation, other: Operation): boolean {
  if (operation === other) return true;
  if (other === 'Describe') return operation === 'Read' || operation === 'Write' || operation === 'Delete';
  return other === 'DescribeConfigs' && operation === 'AlterConfigs';
}

function resourceOf(
  place: Place,
  project: string,
  mapping: Mapping,
  { prefixed = false, consumerGroup = '' }: GrantOptions,
): Omit<Grant, 'operation'> {
  const prefix = { name: `headrace.${project}.`, pattern: 'prefixed' } as const;
  const literal = (name: string) => ({ name, pattern: 'literal' }) as const;
  const internal = (name: string) => (prefixed ? prefix : literal(name));
  switch (place) {
    case 'facts':
      return { resource: 'topic', ...literal(mapping.topic) };
    case 'snapshot':
    case 'quarantine':
    case 'runs':
      return { resource: 'topic', ...internal(topicsOf(project, mapping)[place]) };
    case 'transactionalId':
      return { resource: 'transactional-id', ...internal(transactionalIdOf(project, mapping)) };
    case 'doctorId':
      return { resource: 'transactional-id', ...internal(doctorIdOf(project)) };
    case 'readerGroups':
      return { resource: 'group', ...(prefixed ? prefix : { name: `${transactionalIdOf(project, mapping)}.`, pattern: 'prefixed' }) };
    case 'consumerGroup':
      return consumerGroup.endsWith('*')
        ? { resource: 'group', name: consumerGroup.slice(0, -1), pattern: 'prefixed' }
        : { resource: 'group', ...literal(consumerGroup) };
  }
}

function isOfTheProject(place: Place): boolean {
  return place === 'doctorId' || place === 'consumerGroup';
}

const RESOURCE_ORDER: readonly ResourceType[] = ['topic', 'transactional-id', 'group', 'cluster'];

function byResource(a: Grant, b: Grant): number {
  const text = (grant: Grant) => `${grant.name}\0${grant.pattern}\0${grant.operation}`;
  return RESOURCE_ORDER.indexOf(a.resource) - RESOURCE_ORDER.indexOf(b.resource) || (text(a) < text(b) ? -1 : 1);
}
