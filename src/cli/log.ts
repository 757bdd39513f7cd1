import { HeadraceError } from '../core/errors.ts';
import type { Redaction } from './redaction.ts';

/** What the commands write to the log; pino's own loggers fit. No row values and no secrets go in. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export const LOG_LEVELS = ['silent', 'error', 'info', 'debug'] as const;

const SILENT: Log = { debug: () => undefined, info: () => undefined, error: () => undefined };

/** JSON lines on stderr, without the secrets that the redaction knows. Pino is loaded only when somebody wants to read it. */
export async function openLog(level: string | undefined, redaction: Redaction): Promise<Log> {
  if (level === undefined || level === 'silent') return SILENT;
  if (!LOG_LEVELS.some((known) => known === level)) {
    throw new HeadraceError('CONFIG_INVALID', `There is no log level \`${level}\`.`, { suggestion: `Known: ${LOG_LEVELS.join(', ')}.` });
  }
  const { pino } = await import('pino');
  const logger = pino(
    { name: 'headrace', level, hooks: { streamWrite: (line) => redaction.clean(line) } },
    pino.destination({ fd: 2, sync: true }),
  );
  // Not the logger itself: its type has every property, `then` included.
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
