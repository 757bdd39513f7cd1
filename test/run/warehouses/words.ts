/** What differs between engines in the SQL of tests: a word in capitals stands for it. */
export interface Words {
  readonly TEXT: string;
  readonly INT8: string;
  readonly INSTANT: string;
  /** The present instant, also within a transaction. */
  readonly NOW: string;
  /** Of `HOURS_AGO(100 - n)` and `MINUTES_AGO(5)`: an instant of the past. */
  readonly AGO: (amount: string, unit: 'hour' | 'minute') => string;
  /** Of `NUMBERS(200)`: something to select from, with a column `n` from 1 to 200. */
  readonly NUMBERS: (count: string) => string;
}

export const POSTGRES_WORDS: Words = {
  TEXT: 'text',
  INT8: 'bigint',
  INSTANT: 'timestamptz',
  NOW: 'clock_timestamp()',
  AGO: (amount, unit) => `(now() - (${amount}) * interval '1 ${unit}')`,
  NUMBERS: (count) => `(select n from generate_series(1, ${count}) n) numbers`,
};

/** The SQL in the engine's words. */
export function inWords(sql: string, words: Words): string {
  return sql
    .replaceAll(/\bNUMBERS\(([^()]*)\)/g, (_, count: string) => words.NUMBERS(count))
    .replaceAll(/\b(HOUR|MINUTE)S_AGO\(([^()]*)\)/g, (_, unit: string, amount: string) =>
      words.AGO(amount, unit === 'HOUR' ? 'hour' : 'minute'),
    )
    .replaceAll(/\b(?:TEXT|INT8|INSTANT|NOW)\b/g, (word) => words[word as 'TEXT' | 'INT8' | 'INSTANT' | 'NOW']);
}
