/** The parts of a run that take time, as traces and metrics name them. `reopen`: a transaction's outcome was unknown, and is found out. */
export const SPAN_NAMES = ['run', 'recover', 'extract', 'compare', 'chunk', 'transaction', 'reopen'] as const;
export type SpanName = (typeof SPAN_NAMES)[number];

/** Promise 10: names, counts and codes; no keys, no values. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  /** Adds what is known only later. */
  set(attributes: SpanAttributes): void;
}

/** Whoever wants to know how long the parts of a run take. It neither throws nor holds anything up. */
export interface Spans {
  /** Does the act inside a span that lies in the one around it, and returns or throws what the act does. */
  within<T>(name: SpanName, attributes: SpanAttributes, act: (span: Span) => Promise<T>): Promise<T>;
  /** The span around the caller as W3C Trace Context; undefined where nobody records it. */
  traceparent(): string | undefined;
}

const NO_SPAN: Span = { set: () => undefined };

/** Nobody wants to know. */
export const NO_SPANS: Spans = { within: (_, __, act) => act(NO_SPAN), traceparent: () => undefined };

/** For two who want to know. */
export function bothSpans(one: Spans, other: Spans): Spans {
  return {
    within: (name, attributes, act) =>
      one.within(name, attributes, (first) =>
        other.within(name, attributes, (second) =>
          act({
            set: (more) => {
              first.set(more);
              second.set(more);
            },
          }),
        ),
      ),
    traceparent: () => one.traceparent() ?? other.traceparent(),
  };
}
