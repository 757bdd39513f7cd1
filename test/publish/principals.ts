import { createRequire } from 'node:module';
import { expect } from 'vitest';
import type { Purpose } from '../../src/publish/grants.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** One element of what `headrace topics acl --format json` prints. */
export interface PrintedAcl {
  readonly principal: string;
  readonly host: string;
  readonly permission: 'ALLOW';
  readonly operation: keyof typeof AclOperationTypes;
  readonly resourceType: keyof typeof AclResourceTypes;
  readonly resourceName: string;
  readonly patternType: 'LITERAL' | 'PREFIXED';
  readonly purposes: readonly Purpose[];
  readonly mappings: readonly string[];
}

/** May do everything. */
export const ROOT = 'root';

export function secretOf(user: string): string {
  return `${user}-secret`;
}

/** A broker with a login and an authorizer. A user may do what was granted; `root` may do everything. */
export class GuardedKafka {
  readonly broker: RunningKafka;
  readonly brokers: string;
  readonly #admin: import('kafkajs').Admin;

  private constructor(broker: RunningKafka, brokers: string, admin: import('kafkajs').Admin) {
    this.broker = broker;
    this.brokers = brokers;
    this.#admin = admin;
  }

  static async start(users: readonly string[]): Promise<GuardedKafka> {
    const broker = await startKafka({
      users: Object.fromEntries([ROOT, ...users].map((user) => [user, secretOf(user)])),
      properties: { 'super.users': `User:ANONYMOUS;User:${ROOT}` },
    });
    const admin = new kafkajs.Kafka({ brokers: [broker.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    return new GuardedKafka(broker, broker.saslBrokers ?? '', admin);
  }

  async stop(): Promise<void> {
    await this.#admin.disconnect();
    await this.broker.stop();
  }

  async give(acls: readonly PrintedAcl[]): Promise<void> {
    await this.#admin.createAcls({ acl: acls.map(entryOf) });
    await this.#until(acls, 'there');
  }

  async take(acls: readonly PrintedAcl[]): Promise<void> {
    const filters = acls.map(entryOf).map(({ resourcePatternType, ...entry }) => ({ ...entry, resourcePatternType }));
    await this.#admin.deleteAcls({ filters });
    await this.#until(acls, 'gone');
  }

  /** What a principal has, as texts. */
  async grantsOf(principal: string): Promise<string[]> {
    const { resources } = await this.#admin.describeAcls({
      principal,
      resourceType: AclResourceTypes.ANY,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY,
      resourcePatternType: ResourcePatternTypes.ANY,
    });
    return resources
      .flatMap(({ resourceType, resourceName, resourcePatternType, acls }) =>
        acls.map(({ operation }) => [resourceType, resourceName, resourcePatternType, operation].join(' ')),
      )
      .toSorted();
  }

  /** An authorizer learns of a change a moment after the answer. */
  async #until(acls: readonly PrintedAcl[], state: 'there' | 'gone'): Promise<void> {
    for (const principal of new Set(acls.map((acl) => acl.principal))) {
      const wanted = acls.filter((acl) => acl.principal === principal).map(textOf);
      await expect
        .poll(async () => {
          const now = new Set(await this.grantsOf(principal));
          return wanted.every((text) => now.has(text) === (state === 'there'));
        })
        .toBe(true);
    }
  }
}

export function textOf(acl: PrintedAcl): string {
  const { resourceType, resourceName, resourcePatternType, operation } = entryOf(acl);
  return [resourceType, resourceName, resourcePatternType, operation].join(' ');
}

function entryOf({ principal, host, operation, resourceType, resourceName, patternType }: PrintedAcl) {
  return {
    principal,
    host,
    permissionType: AclPermissionTypes.ALLOW,
    operation: AclOperationTypes[operation],
    resourceType: AclResourceTypes[resourceType],
    resourceName,
    resourcePatternType: ResourcePatternTypes[patternType],
  };
}
