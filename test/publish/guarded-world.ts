import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { PURPOSES, type Purpose } from '../../src/publish/grants.ts';
import { topicsOf } from '../../src/publish/topics.ts';
import { headrace, type Said } from '../cli/in-process.ts';
import { ACCOUNTS } from '../faults/accounts.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { GuardedKafka, type PrintedAcl, ROOT, secretOf } from './principals.ts';

/** A principal for each purpose; `service` and `whole` for several, `halfway` to lose a grant in the middle, `bare` without any. */
const USERS = [...PURPOSES, 'service', 'whole', 'halfway', 'bare'] as const;

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of the configuration
const FILES: WorldFiles = {
  ...ACCOUNTS.files,
  kafka: 'sasl: { mechanism: plain, username: "${WORLD_USER}", password: "${WORLD_PASSWORD}" }',
  env: { WORLD_USER: ROOT, WORLD_PASSWORD: secretOf(ROOT) },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: variables of the configuration

/** The project of the fault tests on a broker of its own with a login and an authorizer. Its own system is that of `root`. */
export class GuardedWorld {
  readonly kafka: GuardedKafka;
  readonly world: World;
  #spoiled = 0;

  private constructor(kafka: GuardedKafka, world: World) {
    this.kafka = kafka;
    this.world = world;
  }

  static async create(): Promise<GuardedWorld> {
    const kafka = await GuardedKafka.start(USERS);
    return new GuardedWorld(kafka, await World.create(ACCOUNTS.table, FILES, kafka.brokers));
  }

  async close(): Promise<void> {
    await this.world.close();
    await this.kafka.stop();
  }

  get topics() {
    return topicsOf(this.world.project.name, this.world.mapping('account'));
  }

  variablesOf(user: string): Readonly<Record<string, string>> {
    return { ...this.world.variables, WORLD_USER: user, WORLD_PASSWORD: secretOf(user) };
  }

  as(user: string, ...args: string[]): Promise<Said> {
    return headrace(this.world.root, args, this.variablesOf(user));
  }

  async succeeds(user: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.as(user, ...args);
    expect(code, `${user}: ${args.join(' ')}\n${stderr}${stdout}`).toBe(0);
    return stdout;
  }

  async printed(user: string, ...args: string[]): Promise<readonly PrintedAcl[]> {
    return JSON.parse(await this.succeeds(user, 'topics', 'acl', '--format', 'json', ...args)) as PrintedAcl[];
  }

  /** For the principal that is named like the purpose. */
  printedFor(purpose: Purpose): Promise<readonly PrintedAcl[]> {
    return this.printed(purpose, '--for', purpose, ...(purpose === 'consume' ? ['--group', 'readers'] : []));
  }

  loseLocalCopy(): void {
    rmSync(path.join(this.world.root, '.headrace'), { recursive: true, force: true });
  }

  /** Changes three facts. */
  touch(): Promise<unknown> {
    return this.world.sql(`update accounts set number = number + 1000, updated_at = clock_timestamp() where id in ('a1', 'a2', 'a3')`);
  }

  /** Adds a row that no fact can be made of. */
  spoil(): Promise<unknown> {
    return this.world.sql('insert into accounts values ($1, $2, 1, now())', [`bad${this.#spoiled++}`, 'bronze']);
  }

  /** The fold oracle; what is expected is computed by SQL and not by the code under test. */
  async expectFacts() {
    const rows = await this.world.sql<{ id: string }>(
      `select id, upper(plan) as plan, number::text from accounts where plan in ('gold', 'silver')`,
    );
    return this.world.expectFacts('account', new Map(rows.map((row) => [row.id, row])));
  }
}

/** A printed grant as an error says it, and the end of the command that adds it. */
export function wordsOf({ operation, resourceType, resourceName, patternType }: PrintedAcl): { grant: string; command: string } {
  const camel = operation
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('');
  const what = { TOPIC: 'topic', GROUP: 'group', TRANSACTIONAL_ID: 'transactional id' }[resourceType as string] ?? '?';
  const isPrefixed = patternType === 'PREFIXED';
  return {
    grant: isPrefixed ? `${camel} on ${what}s ${resourceName}*` : `${camel} on ${what} ${resourceName}`,
    command: `--operation ${camel} --${what.replace(' ', '-')} ${resourceName}${isPrefixed ? ' --resource-pattern-type prefixed' : ''}`,
  };
}

/** Everything that was said to be lacking. */
export function lacking({ stdout, stderr }: Said): string[] {
  return [
    ...new Set(
      [...`${stdout}\n${stderr}`.matchAll(/User:\S+ lacks (.+?)(?:, so they| \[KAFKA_DENIED|; whether|\)?; recovering|$)/gm)].map(
        (m) => m[1] ?? '',
      ),
    ),
  ];
}
