import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, isSpanContextValid, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { HeadraceError } from '../core/errors.ts';
import { NO_SPANS, type SpanAttributes, type SpanName, type Spans } from '../core/spans.ts';

/** Spans of this process on their way to a collector. */
export interface Tracing {
  readonly spans: Spans;
  /** Sends what waits; gives up after a few seconds. For the end of the process. Never throws. */
  flush(): Promise<void>;
}

/** The end of a process may not wait for a collector that does not answer. */
const FLUSH_MS = 3_000;

const KINDS: Partial<Record<SpanName, SpanKind>> = { extract: SpanKind.CLIENT, transaction: SpanKind.PRODUCER };

/**
 * OpenTelemetry traces over OTLP (HTTP with JSON), set up by the variables of its specification
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/): endpoint, headers, timeout, sampler, service name, resource attributes. `TRACEPARENT` (W3C Trace Context)
 * names the span that started this process. What cannot be sent is dropped, and said once.
 */
export function openTracing(env: NodeJS.ProcessEnv, version: string): Tracing {
  const warn = oneWarning();
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/json';
  if (!protocol.startsWith('http/')) {
    warn(
      `Traces are sent over HTTP alone, and the protocol is said to be ${protocol}: none are sent. Set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json.`,
    );
    return { spans: NO_SPANS, flush: async () => undefined };
  }
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'headrace', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(saying(new OTLPTraceExporter(), warn))],
  });
  const tracer = provider.getTracer('headrace', version);
  const around = new AsyncLocalStorage<Context>();
  const outermost = contextOf(env.TRACEPARENT);
  return {
    spans: {
      within: (name, attributes, act) => {
        const span = tracer.startSpan(
          name,
          { kind: KINDS[name] ?? SpanKind.INTERNAL, attributes: named(attributes) },
          around.getStore() ?? outermost,
        );
        return around.run(trace.setSpan(ROOT_CONTEXT, span), async () => {
          try {
            return await act({ set: (more) => void span.setAttributes(named(more)) });
          } catch (error) {
            // Promise 10: a message may hold keys, because somebody asked for them.
            const code = error instanceof HeadraceError ? error.code : 'BUG';
            span.setStatus({ code: SpanStatusCode.ERROR, message: code }).setAttribute('error.type', code);
            throw error;
          } finally {
            span.end();
          }
        });
      },
      traceparent: () => {
        const context = trace.getSpanContext(around.getStore() ?? ROOT_CONTEXT);
        if (context === undefined || (context.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
        return `00-${context.traceId}-${context.spanId}-01`;
      },
    },
    flush: async () => {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FLUSH_MS);
      });
      await Promise.race([provider.forceFlush().catch(() => undefined), over]);
      clearTimeout(timer);
      // Node writes a warning on its next turn.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function named(attributes: SpanAttributes): SpanAttributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`headrace.${name}`, value]));
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; anything else is passed over, as it demands. */
function contextOf(traceparent = ''): Context {
  const [, traceId = '', spanId = '', flags = '00'] = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

/** Says what could not be sent, in place of OpenTelemetry's own log, which nobody has opened. Promise 10: neither address nor headers. */
function saying(exporter: SpanExporter, warn: (text: string) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined)
          warn(`Traces could not be sent (${reasonOf(result.error)}); runs go on without. This is said once.`);
        done(result);
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

function reasonOf(error: Error): string {
  const { code } = { ...(error.cause as { code?: unknown } | undefined), ...(error as { code?: unknown }) };
  return typeof code === 'number' ? `HTTP ${code}` : String(code ?? error.name);
}

function oneWarning(): (text: string) => void {
  let isSaid = false;
  return (text) => {
    if (!isSaid) process.emitWarning(text, { type: 'HeadraceTraces' });
    isSaid = true;
  };
}
