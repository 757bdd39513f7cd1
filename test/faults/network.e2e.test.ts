import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeadraceError } from '../../src/core/errors.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';
import { API, type Fate, type KafkaProxy, startKafkaProxy } from '../systems/kafka-proxy.ts';
import { ACCOUNTS, FLIP, withAccounts } from './accounts.ts';

const REQUEST_TIMEOUT_MS = 2000;
const FILES = { ...ACCOUNTS.files, kafka: 'request_timeout: 2s, transaction_timeout: 8s' };
const CHUNKS = { chunk: { changes: 40, bytes: 1e6 } };

let kafka: RunningKafka;
let proxy: KafkaProxy;
/** By project: what happens to the requests that name its transactional id. So tests may run side by side. */
const rules = new Map<string, (apiKey: number) => Fate>();

beforeAll(async () => {
  kafka = await startKafka({
    advertise: async (port) => {
      proxy = await startKafkaProxy(port);
      return proxy.port;
    },
  });
  proxy.decide(({ apiKey, bytes }) => {
    for (const [project, rule] of rules) if (bytes.includes(`headrace.${project}.account`)) return rule(apiKey);
    return 'forward';
  });
});
afterAll(async () => {
  await kafka?.stop();
  await proxy?.close();
});

const FATES: readonly Fate[] = ['cut', 'lose answer', 'swallow', REQUEST_TIMEOUT_MS + 1500];

/** What a run of three chunks asks: the first of a kind belongs to the fence, the later ones to chunks. */
const REQUESTS = [
  ['EndTxn of the fence', API.endTxn, 1],
  ['EndTxn of the first chunk', API.endTxn, 2],
  ['EndTxn of the last chunk', API.endTxn, 4],
  ['a first send', API.produce, 2],
  ['a send in the middle', API.produce, 4],
  ['AddPartitionsToTxn', API.addPartitionsToTxn, 3],
  ['InitProducerId', API.initProducerId, 1],
] as const;

describe.concurrent('a network that cuts, loses the answer of, swallows, or delays', () => {
  test.each(REQUESTS)('%s: the run ends well, or the next one does', async (_, apiKey, count) => {
    await withAccounts(
      async (world, accounts) => {
        await world.run('account');
        let records = 200;
        const failures: string[] = [];
        for (const fate of FATES) {
          await accounts.touch(FLIP, 'number <= 120');
          records += 120;
          let seen = 0;
          rules.set(world.project.name, (key) => (key === apiKey && ++seen === count ? fate : 'forward'));
          try {
            await world.run('account', CHUNKS);
          } catch (error) {
            if (!(error instanceof HeadraceError)) throw error;
            failures.push(`${fate}: ${error.code} ${error.message}`);
            await world.run('account', CHUNKS);
          }
          expect(seen, 'the request that was to be disturbed').toBeGreaterThanOrEqual(count);
          expect((await world.expectFacts('account', await accounts.expected())).records).toBe(records);
        }
        rules.delete(world.project.name);
        // Once a run owns the mapping nothing of this ends it.
        if (count > 1) expect(failures).toEqual([]);
        expect((await world.run('account', { full: true })).published).toBe(0);
      },
      { files: FILES, brokers: `127.0.0.1:${proxy.port}` },
    );
  });
});
