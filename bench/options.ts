import path from 'node:path';
import { parseArgs } from 'node:util';

export const MEASURES = ['compare', 'nothing', 'load', 'incremental', 'view', 'places'] as const;
export type MeasureName = (typeof MEASURES)[number];

export interface BenchOptions {
  readonly rows: number;
  /** How often each side of a comparison is measured, in turns; the median counts. */
  readonly rounds: number;
  readonly only: ReadonlySet<MeasureName>;
  /** Adds the memory of an initial load and a full comparison of ten times as many rows. */
  readonly tenMillion: boolean;
  /** Keys in no order, as with UUIDs: the local copy is then read and written at random. */
  readonly randomKeys: boolean;
  readonly jsonFile: string | undefined;
  /** The built command line to measure. */
  readonly main: string;
  /** CPU profiles of every Headrace process are written there. */
  readonly profiles: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [options]

  --rows N          rows of the table (default 1000000)
  --rounds N        how often each side is measured, in turns (default 3)
  --only NAMES      some of ${MEASURES.join(',')} (default: all but places)
  --ten-million     also measure the memory at ten times as many rows (takes long; with --only view, that of a view in the warehouse)
  --random-keys     keys in no order instead of ascending ones
  --json FILE       write all raw figures there
  --main FILE       another build's main.js to measure (default dist/main.js)
  --profiles DIR    write CPU profiles of the Headrace processes there (slows them down a little)
`;

/** Throws an Error with what is wrong about the arguments. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: MEASURES.filter((name) => name !== 'places').join(',') },
      'ten-million': { type: 'boolean', default: false },
      'random-keys': { type: 'boolean', default: false },
      json: { type: 'string' },
      main: { type: 'string', default: path.resolve(import.meta.dirname, '../dist/main.js') },
      profiles: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rows: wholeNumber(values.rows, 'rows', 1_000),
    rounds: wholeNumber(values.rounds, 'rounds', 1),
    only: new Set(values.only.split(',').map(measureName)),
    tenMillion: values['ten-million'],
    randomKeys: values['random-keys'],
    jsonFile: values.json,
    main: path.resolve(values.main),
    profiles: values.profiles,
  };
}

function wholeNumber(text: string, name: string, atLeast: number): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < atLeast) throw new Error(`--${name} is a whole number of at least ${atLeast}, not ${text}`);
  return value;
}

function measureName(text: string): MeasureName {
  const name = MEASURES.find((candidate) => candidate === text);
  if (name === undefined) throw new Error(`--only: there is no measure ${text}; there are ${MEASURES.join(', ')}`);
  return name;
}
