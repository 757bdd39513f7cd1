import type { Measured } from './child.ts';
import { type Comparison, median, type Side } from './figures.ts';
import type { PlaceFigures, ViewFigures } from './views.ts';

export function comparisonLines(comparisons: readonly Comparison[]): string[] {
  const rows = comparisons.flatMap((comparison) => {
    const { ours, other, ratio, goal } = comparison;
    const verdict = goal === undefined ? '' : `${goal.isMet ? 'met' : 'MISSED'}: ${goal.text}`;
    return [
      [ours.name, ...figures(ours, comparison.items), ratio.toFixed(2), verdict],
      [`  ${other.name}`, ...figures(other, comparison.items), '', ''],
    ];
  });
  return table(['', 'median s', 'min–max s', 'work alone s', 'per second', 'CPU s', 'peak RSS', 'heap+external', 'ratio', 'goal'], rows);
}

function figures(side: Side, items: number): string[] {
  const seconds = side.runs.map((run) => run.seconds);
  const inner = side.runs.flatMap((run) => (run.innerSeconds === undefined ? [] : [run.innerSeconds]));
  const rate = items > 1 ? Math.round(items / median(inner.length > 0 ? inner : seconds)).toLocaleString('en') : '';
  return [
    median(seconds).toFixed(2),
    `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`,
    inner.length > 0 ? median(inner).toFixed(2) : '',
    rate,
    median(side.runs.map((run) => run.cpuSeconds)).toFixed(2),
    megabytes(Math.max(...side.runs.map((run) => run.peakRssBytes))),
    megabytes(Math.max(...side.runs.map((run) => run.peakHeapBytes))),
  ];
}

export function viewLines({ comparison, local, bytes, countedSeconds }: ViewFigures): string[] {
  const share = (100 * bytes.warehouse) / bytes.local;
  const goal = share <= 1 ? 'met' : 'MISSED';
  return [
    ...comparisonLines([
      {
        ...comparison,
        ours: local,
        ratio: median(local.runs.map((run) => run.seconds)) / median(comparison.other.runs.map((run) => run.seconds)),
        goal: undefined,
      },
    ]).filter((_, i) => i === 2),
    '',
    `Bytes between warehouse and machine: ${bytes.warehouse.toLocaleString('en')} (warehouse), ${bytes.local.toLocaleString('en')} (local): ${share.toFixed(2)} % (${goal}: at most 1 %).`,
    `For reference: the hash query took ${countedSeconds.toFixed(2)} s in psql where only its rows are counted, and nothing leaves PostgreSQL.`,
  ];
}

/** Full comparisons, one row in a thousand changed: which view is the quicker where. */
export function placeLines(figures: readonly PlaceFigures[]): string[] {
  const seconds = (runs: readonly Measured[]): string => {
    const all = runs.map((run) => run.seconds);
    return `${median(all).toFixed(1)} (${Math.min(...all).toFixed(1)}–${Math.max(...all).toFixed(1)})`;
  };
  const rows = figures.map(({ engine, network, warehouse, local }) => [
    engine,
    network,
    seconds(warehouse),
    seconds(local),
    (median(local.map((run) => run.seconds)) / median(warehouse.map((run) => run.seconds))).toFixed(2),
  ]);
  return table(['', 'network', 'warehouse s', 'local s', 'local ÷ warehouse'], rows);
}

export interface MemoryFigures {
  readonly view: 'local' | 'warehouse';
  readonly rows: number;
  readonly load: Measured;
  readonly compare: Measured;
}

export function memoryLines(figures: readonly MemoryFigures[]): string[] {
  const [small, large] = figures;
  const ratio = (name: 'load' | 'compare'): string =>
    small === undefined || large === undefined ? '' : (large[name].peakHeapBytes / small[name].peakHeapBytes).toFixed(2);
  const rows = (['load', 'compare'] as const).flatMap((name) =>
    figures.map((figure, i) => [
      `${name === 'load' ? 'initial load' : 'full comparison'}${figure.view === 'warehouse' ? ', view in the warehouse' : ''}`,
      figure.rows.toLocaleString('en'),
      figure[name].seconds.toFixed(1),
      megabytes(figure[name].peakRssBytes),
      megabytes(figure[name].peakHeapBytes),
      i === 1 ? ratio(name) : '',
    ]),
  );
  return table(['', 'rows', 's', 'peak RSS', 'heap+external', 'ratio (goal: at most 1.3)'], rows);
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)];
}
