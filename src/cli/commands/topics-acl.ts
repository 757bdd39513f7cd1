import { publishedMappings } from '../../config/also-versions.ts';
import type { Project } from '../../config/project.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { aclCommands, principalOf } from '../../publish/denial.ts';
import { grantsFor, type NeededGrant, PURPOSES, type Purpose } from '../../publish/grants.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import type { Output } from '../output.ts';
import { formatTable } from '../table.ts';

export interface AclFlags {
  readonly principal?: string;
  readonly for?: readonly string[];
  readonly format: 'table' | 'commands' | 'json';
  readonly prefixed?: true;
  readonly group?: string;
}

/** What the principal of a job needs that runs mappings and looks at them. */
const DEFAULT_PURPOSES: readonly Purpose[] = ['run', 'plan', 'status', 'doctor'];

/** The grants that are needed, and no more. Reads the files alone: it asks neither Kafka nor a warehouse. */
export async function topicsAclCommand(context: CommandContext, names: readonly string[], flags: AclFlags): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  const mappings = selectMappings(project, names);
  const purposes = purposesOf(flags);
  const principal = flags.principal ?? principalOf(project.kafka);
  if (principal === undefined && flags.format !== 'table') throw unknownPrincipal();
  if (purposes.includes('consume') && flags.group === undefined) throw unknownGroup();
  const grants = grantsFor(project, publishedMappings(project, mappings, Date.now()), purposes, {
    prefixed: flags.prefixed === true,
    consumerGroup: flags.group,
  });
  const acls = grants.map((grant) => aclOf(grant, principal ?? null));
  if (flags.format === 'json') output.print(JSON.stringify(acls, null, 2));
  else if (flags.format === 'commands') output.print(script(project, principal ?? '', grants));
  else {
    output.print(grantTable(grants, output.colors));
    const others = PURPOSES.filter((purpose) => !purposes.includes(purpose));
    if (others.length > 0) output.note(`These are for ${purposes.join(', ')}. Others: --for ${others.join(', ')}.`);
  }
  return { exitCode: EXIT.done, body: { principal: principal ?? null, purposes, grants: acls } };
}

function purposesOf({ for: written }: AclFlags): readonly Purpose[] {
  if (written === undefined) return DEFAULT_PURPOSES;
  const unknown = written.filter((name) => !PURPOSES.some((purpose) => purpose === name));
  if (unknown.length > 0 || written.length === 0) {
    throw new HeadraceError('CONFIG_INVALID', `--for names no purpose${unknown.map((name) => ` \`${name}\``).join(',')}.`, {
      suggestion: `Purposes are ${PURPOSES.join(', ')}, separated by commas.`,
    });
  }
  return PURPOSES.filter((purpose) => written.includes(purpose));
}

function unknownPrincipal(): HeadraceError {
  return new HeadraceError('CONFIG_INVALID', 'Whose grants these are is not known: kafka.sasl has no username.', {
    suggestion: 'Say it as Kafka does: --principal User:headrace, or --principal User:CN=headrace,O=Example for a certificate.',
  });
}

function unknownGroup(): HeadraceError {
  return new HeadraceError('CONFIG_INVALID', "A consumer of facts needs its group's name.", {
    suggestion: "Give it: --group crm, or --group 'crm-*' for every group that begins so.",
  });
}

function grantTable(grants: readonly NeededGrant[], { bold, dim }: Output['colors']): string {
  const owner = ({ mappings: [first, ...rest] }: NeededGrant) => (rest.length > 0 ? '(several)' : (first ?? '(project)'));
  return formatTable<NeededGrant>(
    [
      { title: dim('mapping'), value: owner },
      { title: dim('resource'), value: (g) => g.resource },
      { title: dim('name'), value: (g) => bold(g.pattern === 'prefixed' ? `${g.name}*` : g.name) },
      { title: dim('operation'), value: (g) => g.operation },
      { title: dim('for'), value: (g) => g.purposes.join(', ') },
    ],
    grants.toSorted((a, b) => (owner(a) < owner(b) ? -1 : owner(a) > owner(b) ? 1 : 0)),
  );
}

/** For a shell, as it is. A cluster that has ACLs wants a login of whoever changes them. */
function script({ kafka }: Project, principal: string, grants: readonly NeededGrant[]): string {
  if (kafka.sasl === undefined && kafka.tls === undefined) return aclCommands(kafka, principal, grants).join('\n');
  return [
    '# admin.properties: the login of somebody who may change ACLs (security.protocol, sasl.mechanism, sasl.jaas.config, ssl.…)',
    ...aclCommands(kafka, principal, grants, 'kafka-acls.sh --command-config admin.properties'),
  ].join('\n');
}

/** In the words of Kafka's AdminClient, its REST proxy, and what is built on them. */
function aclOf({ resource, name, pattern, operation, purposes, mappings }: NeededGrant, principal: string | null): unknown {
  const words = (text: string) => text.replaceAll('-', '_').replace(/(?<=[a-z])(?=[A-Z])/g, '_');
  return {
    principal,
    host: '*',
    permission: 'ALLOW',
    operation: words(operation).toUpperCase(),
    resourceType: words(resource).toUpperCase(),
    resourceName: name,
    patternType: pattern.toUpperCase(),
    purposes,
    mappings,
  };
}
