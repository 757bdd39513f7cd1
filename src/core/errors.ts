/**
 * Errors as an API: a stable code, one sentence that says what and where, and what to do.
 * Whatever is thrown on purpose is a HeadraceError; anything else is a bug.
 */

/** Exit codes of the command line; see docs/cli.md. A signal ends with 128 + its number. */
export const EXIT = {
  done: 0,
  failed: 1,
  invalid: 2,
  unreachable: 3,
  stopped: 4,
  owned: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Every code that Headrace throws, with the exit code that it leads to. */
export const ERROR_CODES = {
  /** The configuration, a mapping or a command line is wrong. */
  CONFIG_INVALID: EXIT.invalid,
  /** A mapping does not fit the columns that the model yields. */
  CONTRACT_MISMATCH: EXIT.invalid,
  /** The working contract breaks consumers whom its compatibility policy protects. */
  CONTRACT_INCOMPATIBLE: EXIT.invalid,
  /** The working contract is not frozen, and the environment is not dev. */
  CONTRACT_UNFROZEN: EXIT.invalid,
  /** The version that the working contract names is frozen with something else, or passed. */
  CONTRACT_CHANGED: EXIT.invalid,
  /** A frozen contract was edited, or cannot be read. */
  CONTRACT_EDITED: EXIT.invalid,
  /** The working contract is older than the one that was published last. */
  CONTRACT_OLDER: EXIT.invalid,
  /** Another backfill of the mapping is under way. */
  BACKFILL_UNFINISHED: EXIT.stopped,
  /** The warehouse refuses the query itself: a syntax error, an unknown relation. */
  QUERY_INVALID: EXIT.invalid,
  /** The warehouse cannot be reached, refuses the login, or the connection broke. */
  WAREHOUSE_UNREACHABLE: EXIT.unreachable,
  /** The login works, but a grant is missing in the warehouse. */
  WAREHOUSE_DENIED: EXIT.unreachable,
  /** A statement took longer than its timeout. */
  WAREHOUSE_TIMEOUT: EXIT.unreachable,
  /** The warehouse failed in a way that none of the other codes says. */
  WAREHOUSE_FAILED: EXIT.failed,
  /** The daemon that was to do it does not answer. */
  SERVER_UNREACHABLE: EXIT.unreachable,
  /** The daemon does not do it for this token, or what answers is none. */
  SERVER_REFUSED: EXIT.failed,
  KAFKA_UNREACHABLE: EXIT.unreachable,
  /** Authentication failed, or an ACL is missing. */
  KAFKA_DENIED: EXIT.unreachable,
  TOPIC_MISSING: EXIT.unreachable,
  /** A topic exists with settings under which a promise cannot hold. */
  TOPIC_UNFIT: EXIT.unreachable,
  /** The schema registry cannot be reached, does not answer in time, or is none. */
  REGISTRY_UNREACHABLE: EXIT.unreachable,
  /** The registry refuses the login, or a right is missing there. */
  REGISTRY_DENIED: EXIT.unreachable,
  /** A schema that must be registered already is not. */
  SCHEMA_MISSING: EXIT.unreachable,
  /** The registry's rule for the subject forbids the schema. */
  SCHEMA_INCOMPATIBLE: EXIT.invalid,
  /** The registry does not accept the schema as one. */
  SCHEMA_REFUSED: EXIT.invalid,
  RECORD_TOO_LARGE: EXIT.failed,
  /** A transaction's outcome is unknown: close the producer, recover, and go on from the control record. */
  OUTCOME_UNKNOWN: EXIT.failed,
  /** Another producer took over the transactional id, or our transaction outlived its timeout: the owner record tells which. */
  FENCED: EXIT.failed,
  /** Another run holds the lease, or the lock of the local copy. */
  OWNED_ELSEWHERE: EXIT.owned,
  /** A guard stopped the run before anything was sent. */
  GUARD_STOPPED: EXIT.stopped,
  /** A version of a contract that was rolled back, or a move between versions that is not complete. */
  ROLLED_BACK: EXIT.stopped,
  /** Nothing was changed: a person has to agree first. */
  APPROVAL_NEEDED: EXIT.stopped,
  /** A plan that was edited, is too old, was used before, lacks an approval, or no longer says what would happen. */
  PLAN_REFUSED: EXIT.stopped,
  /** A consumer group has members: its offsets are theirs. */
  GROUP_ACTIVE: EXIT.stopped,
  /** What a command would change needs a person's word first, and nobody gave it. */
  NOT_CONFIRMED: EXIT.stopped,
  /** Duplicate or missing model keys, or two rows that claim one identity. */
  KEY_INVALID: EXIT.failed,
  /** What is in Kafka does not fit what this project may write to: another cluster, environment, key, partition count, a deleted topic. */
  SNAPSHOT_FOREIGN: EXIT.failed,
  /** A record of the snapshot topic cannot be read. */
  SNAPSHOT_CORRUPT: EXIT.failed,
  /** The local copy cannot be read or written: permissions, a full disk. */
  LOCAL_COPY_FAILED: EXIT.failed,
  /** The columns changed while a run was reading them. */
  SCHEMA_DRIFT: EXIT.failed,
  /** The run was asked to end (SIGTERM, SIGINT). */
  INTERRUPTED: EXIT.failed,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Of a code that came as a text, from another process or release. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

/** Whether an error of this code comes again until somebody does something: a guard, an approval, a contract, the configuration. */
export function needsPerson(code: string): boolean {
  if (!isErrorCode(code)) return false;
  return ERROR_CODES[code] === EXIT.stopped || ERROR_CODES[code] === EXIT.invalid;
}

export interface ErrorDetails {
  /** Where: a file with line, a path in the configuration, a topic, an address. */
  readonly path?: string | undefined;
  /** What the reader can do about it: a sentence, or a command to copy. */
  readonly suggestion?: string | undefined;
  readonly cause?: unknown;
}

export class HeadraceError extends Error {
  override readonly name = 'HeadraceError';
  readonly code: ErrorCode;
  readonly path: string | undefined;
  readonly suggestion: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.path = details.path;
    this.suggestion = details.suggestion;
  }

  get exitCode(): ExitCode {
    return ERROR_CODES[this.code];
  }
}

/** The exit code of anything thrown: a bug is a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof HeadraceError ? error.exitCode : EXIT.failed;
}
