// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { CronExpressionParser } from 'cron-parser';
import { nearestName, suggestName } from '../core/nearest.ts';
import { asText, leaf, type Parsed, pattern, VARIABLE_PATTERN } from './leaf.ts';
import { parseListenAddress } from './listen-address.ts';

/** Project and mapping names become parts of topic names (`headrace.<project>.<mapping>.snapshot`), so they are short. */
export const slug = () => pattern(/^[a-z0-9-]+$/, 'lower-case letters, digits and `-`', 63);
export const modelName = () => pattern(/^[a-z_][a-z0-9_]*$/, 'lower-case letters, digits and `_`, not beginning with a digit', 63);
export const warehouseName = () => pattern(/^[a-z_][a-z0-9_-]*$/, 'lower-case letters, digits, `_` and `-`, beginning with a letter', 63);
export const factName = () =>
  pattern(/^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$/, 'lower-case words joined by dots, as `customer.entitlement`', 200);
/** A column as the warehouse names it: anything printable. */
export const column = () => pattern(/^[^\p{Cc}]+$/u, 'a column name without control characters', 255);

/** Kafka's own rule (org.apache.kafka.common.internals.Topic). */
export const topicName = () =>
  leaf<string>(
    (written) => {
      const parsed = asText(written);
      if (!('value' in parsed)) return parsed;
      const { value } = parsed;
      if (value.length > 249) return { refused: 'has more than 249 characters' };
      if (!/^[A-Za-z0-9._-]+$/.test(value) || value === '.' || value === '..')
        return { refused: 'is not a topic name: Kafka allows letters, digits, `.`, `_` and `-`' };
      return value.startsWith('__') ? { refused: 'is not allowed: topics that begin with `__` belong to Kafka itself' } : parsed;
    },
    { type: 'string', pattern: `^[A-Za-z0-9._-]+$|${VARIABLE_PATTERN}`, maxLength: 249 },
  );

/** One of a few words; words of later versions are refused as such. */
export function choice<const T extends string>(options: readonly T[], later: readonly string[] = []) {
  return leaf<T>(
    (written) => {
      const found = options.find((option) => option === written);
      if (found !== undefined) return { value: found };
      if (written === null) return { refused: 'has no value', suggestion: `Write one of: ${options.join(', ')}.`, show: false };
      if (typeof written !== 'string')
        return { refused: 'is not one of the words allowed here', suggestion: `Write one of: ${options.join(', ')}.` };
      if (later.includes(written)) return { refused: 'is not supported in this version', suggestion: `Supported: ${options.join(', ')}.` };
      return { refused: 'is not one of the words allowed here', suggestion: suggestName(written, options) };
    },
    { type: 'string', enum: [...options] },
  );
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `30s`, `15m`, `1h`, `1d` in milliseconds; undefined for anything else. */
export function parseDuration(written: string): number | undefined {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(written.trim());
  const ms = match === null ? Number.NaN : Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

export function duration(shortest: string, longest: string) {
  const [min, max] = [parseDuration(shortest) ?? 0, parseDuration(longest) ?? 0];
  return leaf<number>(
    (written) => {
      const ms = typeof written === 'string' ? parseDuration(written) : undefined;
      if (ms === undefined)
        return { refused: 'is not a duration', suggestion: 'Write a whole number with a unit: 500ms, 30s, 15m, 1h, 1d.' };
      return ms < min || ms > max ? { refused: `is not between ${shortest} and ${longest}` } : { value: ms };
    },
    { type: 'string', pattern: `^\\d+(ms|s|m|h|d)$|${VARIABLE_PATTERN}` },
  );
}

/** A duration for a time, or a bare number for a numeric cursor. */
export const lookback = () =>
  leaf<{ readonly ms: number } | { readonly count: number }>(
    (written) => {
      const value = typeof written === 'string' && /^\d{1,15}$/.test(written) ? Number(written) : written;
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return { value: { count: value } };
      const ms = typeof value === 'string' ? parseDuration(value) : undefined;
      if (ms !== undefined) return { value: { ms } };
      return {
        refused: 'is not a lookback',
        suggestion: 'Write a duration for a time (500ms, 30s, 15m, 1h, 1d), or a whole number for a numeric cursor.',
        show: value !== undefined && value !== null,
      };
    },
    {
      anyOf: [
        { type: 'string', pattern: `^\\d+(ms|s|m|h|d)$|${VARIABLE_PATTERN}` },
        { type: 'integer', minimum: 0 },
      ],
    },
  );

/** A version of a dbt model: `2`, or a text such as `2024-10`. */
export const dbtVersion = () =>
  leaf<string>(
    (written) => {
      if (typeof written === 'number') return { value: String(written) };
      return typeof written === 'string' && written.trim() !== ''
        ? { value: written.trim() }
        : { refused: 'is not a version of a dbt model' };
    },
    { type: ['integer', 'string'] },
  );

/** `30%` or 0.3, as a number from 0 to 1. */
export const share = () =>
  leaf<number>(
    (written) => {
      const percent = typeof written === 'string' ? /^(\d{1,3}(?:\.\d{1,6})?)\s*%$/.exec(written.trim()) : null;
      const plain = typeof written === 'string' && /^\d+(\.\d+)?$/.test(written.trim()) ? Number(written) : written;
      const value = percent === null ? plain : Number(percent[1]) / 100;
      if (typeof value !== 'number')
        return { refused: 'is not a share', suggestion: 'Write a percentage (30%) or a number from 0 to 1 (0.3).' };
      if (value >= 0 && value <= 1) return { value };
      return {
        refused: 'is not a share from 0 to 1',
        suggestion: percent === null && value <= 100 ? 'For a percentage write the sign: 30%.' : 'Write at most 100%.',
      };
    },
    {
      anyOf: [
        { type: 'string', pattern: `^\\d+(\\.\\d+)?\\s*%$|${VARIABLE_PATTERN}` },
        { type: 'number', minimum: 0, maximum: 1 },
      ],
    },
  );

const CRON_SUGGESTION = 'Write five fields: minute hour day-of-month month day-of-week, as `*/5 * * * *` or `0 3 * * MON`.';

/** cron-parser also takes six fields, macros and `H` (random): those are refused. */
function parseCron(written: string, suggestion: string): Parsed<string> {
  const fields = written.trim().split(/\s+/);
  if (fields.length !== 5) return { refused: `is not a cron expression: it has ${fields.length} fields, not 5`, suggestion };
  if (!fields.every((field) => /^([\d*,/?L#-]|[A-Za-z]{3})+$/.test(field))) return { refused: 'is not a cron expression', suggestion };
  try {
    CronExpressionParser.parse(fields.join(' '), { tz: 'UTC' }).next();
    return { value: fields.join(' ') };
  } catch (cause) {
    return { refused: 'is not a cron expression', suggestion, detail: cause instanceof Error ? cause.message : undefined };
  }
}

/** Five fields. */
export const cron = () =>
  leaf<string>(
    (written) => {
      const parsed = asText(written);
      return 'value' in parsed ? parseCron(parsed.value, CRON_SUGGESTION) : parsed;
    },
    { type: 'string' },
  );

/** A cron expression, or a duration: every so often. `none` only where a mapping says so. */
export const schedule = <const N extends 'none' | never = never>(...none: readonly N[]) =>
  leaf<{ readonly cron: string } | { readonly everyMs: number } | N>(
    (written) => {
      const parsed = asText(written);
      if (!('value' in parsed)) return parsed;
      const word = none.find((known) => known === parsed.value.trim());
      if (word !== undefined) return { value: word };
      const everyMs = parseDuration(parsed.value);
      if (everyMs !== undefined) {
        return everyMs < 1000 || everyMs > 86_400_000 ? { refused: 'is not between 1s and 1d' } : { value: { everyMs } };
      }
      const suggestion = `${CRON_SUGGESTION} Or how often: 30s, 15m, 1h.`;
      const expression = parseCron(parsed.value, suggestion);
      return 'value' in expression ? { value: { cron: expression.value } } : expression;
    },
    { type: 'string' },
  );

/** An IANA name, as this Node knows them. */
export const timeZone = () =>
  leaf<string>(
    (written) => {
      const parsed = asText(written);
      if (!('value' in parsed)) return parsed;
      const known = Intl.supportedValuesOf('timeZone');
      // Offsets such as +02:00 are no zones: they know no daylight saving.
      if (/^[A-Za-z]/.test(parsed.value) && isTimeZone(parsed.value)) return parsed;
      return {
        refused: 'is not a time zone',
        suggestion: `${nearestSentence(parsed.value, known)}Write an IANA name, as Europe/Berlin or UTC.`,
      };
    },
    { type: 'string' },
  );

function nearestSentence(written: string, known: readonly string[]): string {
  const near = nearestName(written, known);
  return near === undefined ? '' : `Did you mean \`${near}\`? `;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** `host:port`; a port alone is one of this machine's loopback. */
export const listenAddress = () =>
  leaf(parseListenAddress, { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 0, maximum: 65_535 }] });

const UNITS_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `512KiB`, `16 MB`, `1 TB` in bytes; undefined for anything else. */
export function parseSize(written: string): number | undefined {
  const match = /^(\d{1,12})\s*([kKMGT]?i?B)$/.exec(written.trim());
  const bytes = match === null ? Number.NaN : Number(match[1]) * (UNITS_BYTES[match[2] ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `"1.10"`: a text, because YAML reads 1.10 as the number 1.1. */
export const version = () =>
  leaf<{ readonly major: number; readonly minor: number }>(
    (written) => {
      const suggestion = 'Write MAJOR.MINOR in quotes, as version: "1.0".';
      if (typeof written === 'number') return { refused: 'is a number in YAML, where 1.10 and 1.1 are the same', suggestion };
      const match = typeof written === 'string' ? /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(written) : null;
      return match === null ? { refused: 'is not a version', suggestion } : { value: { major: Number(match[1]), minor: Number(match[2]) } };
    },
    { type: 'string', pattern: `^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)$|${VARIABLE_PATTERN}` },
  );

/** A calendar day, as 2027-01-31. */
export const day = () =>
  leaf<string>(
    (written) => {
      const isDay = typeof written === 'string' && /^\d{4}-\d\d-\d\d$/.test(written) && isCalendarDay(written);
      return isDay ? { value: written } : { refused: 'is not a day', suggestion: 'Write year, month and day: 2027-01-31.' };
    },
    { type: 'string', pattern: `^\\d{4}-\\d\\d-\\d\\d$|${VARIABLE_PATTERN}` },
  );

/** Date.parse takes 2027-02-31 for a day in March. */
function isCalendarDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** `host:port,host:port`, or a list of them. */
export const brokers = () =>
  leaf<readonly string[]>(
    (written) => {
      const list = typeof written === 'string' ? written.split(',') : written;
      if (!Array.isArray(list)) return { refused: 'must be host:port, several separated by commas, or a list', show: false };
      const addresses = list
        .map((entry) => (typeof entry === 'string' ? entry.trim() : ''))
        .filter((entry, i) => entry !== '' || i < list.length - 1);
      const bad = addresses.findIndex((entry) => !isAddress(entry));
      if (addresses.length === 0) return { refused: 'must not be empty', show: false };
      if (bad >= 0)
        return {
          refused: `holds an address that is not host:port (number ${bad + 1} of ${addresses.length})`,
          suggestion: 'Write host:port,host:port.',
        };
      return { value: [...new Set(addresses)] };
    },
    { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }] },
  );

function isAddress(entry: string): boolean {
  const match = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(entry);
  return match !== null && Number(match[1]) >= 1 && Number(match[1]) <= 65_535;
}

/** A PEM text. A path in its place is the usual mistake. */
export const pem = (secret: boolean) =>
  leaf<string>(
    (written): Parsed<string> => {
      const parsed = asText(written);
      if (!('value' in parsed)) return parsed;
      if (parsed.value.includes('-----BEGIN ')) return parsed;
      return { refused: 'is not a PEM text', suggestion: 'To read it from a file, write ${file:/path/to/file.pem}.', show: !secret };
    },
    { type: 'string' },
  );

/** An http:// or https:// address without credentials: a password in it would stand in logs and messages. */
export const httpUrl = () =>
  leaf<string>(
    (written) => {
      const parsed = asText(written);
      if (!('value' in parsed)) return { ...parsed, show: false };
      const url = URL.canParse(parsed.value) ? new URL(parsed.value) : undefined;
      if (url === undefined || !/^https?:$/.test(url.protocol))
        return { refused: 'is not an address of the form https://host:port/path', show: false };
      if (url.username !== '' || url.password !== '')
        return { refused: 'must not hold credentials', suggestion: 'Write them under `auth`.', show: false };
      if (url.search !== '' || url.hash !== '') return { refused: 'must end with its path, without ? and #', show: false };
      return { value: url.href.replace(/\/+$/, '') };
    },
    { type: 'string' },
  );

const URL_FORM = 'postgres://user:${PGPASSWORD}@host:5432/database';

/** A postgres:// URL. It may hold a password, so it is never shown. */
export const postgresUrl = () =>
  leaf<string>(
    (written) => {
      const parsed = asText(written);
      if (!('value' in parsed)) return { ...parsed, show: false };
      const valid = URL.canParse(parsed.value) && /^postgres(ql)?:$/.test(new URL(parsed.value).protocol);
      return valid
        ? parsed
        : {
            refused: 'is not a PostgreSQL URL',
            suggestion: `Its form is ${URL_FORM}; letters such as @ and / in a password are percent-encoded.`,
            show: false,
          };
    },
    { type: 'string' },
  );
