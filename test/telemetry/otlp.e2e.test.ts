import { expect, test } from 'vitest';
import { withAccounts } from '../faults/accounts.ts';
import { settledOffsets } from '../run/fold-oracle.ts';
import type { World } from '../run/world.ts';
import { type ReceivedRequest, withReceiver } from '../systems/receiver.ts';

/** A span as OTLP has it in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

const spansOf = (received: readonly ReceivedRequest[]): OtlpSpan[] =>
  received.flatMap(({ text }) =>
    (JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }).resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans),
    ),
  );

const attributeOf = (span: OtlpSpan | undefined, key: string): string =>
  String(Object.values(span?.attributes.find((each) => each.key === `headrace.${key}`)?.value ?? {})[0]);

async function headersOf(world: World, topic: string): Promise<Readonly<Record<string, string>>[]> {
  const found: Readonly<Record<string, string>>[] = [];
  for (const { partition, start, end } of await settledOffsets(world.system.admin, topic)) {
    await world.system
      .reader('trace')
      .read({ topic, partition, from: start, until: end }, ({ headers }) => found.push(headers), new AbortController().signal);
  }
  return found;
}

const PARENT = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

test('a run is a trace below the one that started it, and its events name it; without a collector none do', async () => {
  await withAccounts(async (world, accounts) => {
    await withReceiver(async ({ address: endpoint, requests: received }) => {
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=headrace-test',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        TRACEPARENT: `00-${PARENT.traceId}-${PARENT.spanId}-01`,
      };
      const { code, stderr, stdout } = await world.start(['run', 'account', '--chunk', '40', '--json'], env).ended;
      expect(code, stderr).toBe(0);
      const [{ run }] = (JSON.parse(stdout) as { mappings: [{ run: string }] }).mappings;

      expect(received.map(({ path, headers }) => [path, headers['x-tenant'], headers['content-type']])).toEqual(
        received.map(() => ['/v1/traces', 'headrace-test', 'application/json']),
      );
      const spans = spansOf(received);
      const named = (name: string) => spans.filter((span) => span.name === name);
      const [root] = named('run');
      expect(root).toMatchObject({ ...PARENT, spanId: root?.spanId, parentSpanId: PARENT.spanId, status: {} });
      expect(['mapping', 'run', 'rows', 'published', 'scope'].map((key) => attributeOf(root, key))).toEqual([
        'account',
        run,
        '200',
        '200',
        'initial load',
      ]);
      expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([PARENT.traceId]));
      expect(named('recover')).toHaveLength(1);
      expect(named('extract')).toMatchObject([{ kind: 3, parentSpanId: root?.spanId }]);
      expect(attributeOf(named('compare')[0], 'created')).toBe('200');
      // The control record before the first fact, five chunks of forty, and the progress.
      expect(named('chunk').map((span) => Number(attributeOf(span, 'changes')))).toEqual([0, 40, 40, 40, 40, 40, 0]);
      const chunks = new Set(named('chunk').map(({ spanId }) => spanId));
      for (const { kind, parentSpanId = '' } of named('transaction')) expect([kind, chunks.has(parentSpanId)]).toEqual([4, true]);
      for (const { startTimeUnixNano, endTimeUnixNano } of spans)
        expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
      expect(received[0]?.text).toContain('deployment.environment.name');

      const { topic } = world.mapping('account');
      const events = await headersOf(world, topic);
      expect(events).toHaveLength(200);
      expect(new Set(events.map(({ traceparent }) => traceparent))).toEqual(new Set([`00-${PARENT.traceId}-${root?.spanId}-01`]));

      await accounts.touch(`plan = 'gold'`, 'number = 1');
      expect((await world.start(['run', 'account']).ended).code).toBe(0);
      const after = await headersOf(world, topic);
      expect(after.filter(({ traceparent }) => traceparent === undefined)).toHaveLength(1);
    });
  });
});

test('a failure has its code, and a collector that is away, or refuses, costs a warning and no run', async () => {
  await withAccounts(async (world) => {
    await withReceiver(async ({ address: endpoint, requests: received }) => {
      const variables = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/x`, OTEL_SERVICE_NAME: 'activation' };
      await world.sql('alter table accounts rename column plan to plan_of_old');
      expect((await world.start(['run', 'account'], variables).ended).code).toBe(2);
      expect(spansOf(received).find(({ name }) => name === 'run')).toMatchObject({ status: { code: 2, message: 'CONFIG_INVALID' } });
      expect(received[0]?.path).toBe('/x');
      expect(received[0]?.text).toContain('activation');
      await world.sql('alter table accounts rename column plan_of_old to plan');
    });
    // 400 is not tried again (OTLP, "Failures").
    await withReceiver(
      async ({ address: endpoint }) => {
        const { code, stderr } = await world.start(['run', 'account'], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }).ended;
        expect(code, stderr).toBe(0);
        expect(stderr.match(/Traces could not be sent \(HTTP 400\)/g)).toHaveLength(1);
        expect(stderr).not.toContain(endpoint);
      },
      () => 400,
    );
    const startedAt = Date.now();
    const away = await world.start(['run', 'account'], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }).ended;
    expect(away.code, away.stderr).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    const grpc = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    expect((await world.start(['run', 'account'], grpc).ended).stderr).toContain('Traces are sent over HTTP alone');
  });
});
