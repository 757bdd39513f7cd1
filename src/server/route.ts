import type { z } from 'zod';
import type { Mapping } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { suggestName } from '../core/nearest.ts';
import type { Right } from './access.ts';
import type { Daemon } from './daemon.ts';

/** One operation of the API. Who may call it, and what it takes, is checked before `handle`. */
export interface Route {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** With `{name}` for parameters, as in OpenAPI. */
  readonly path: string;
  readonly right: Right;
  readonly summary: string;
  readonly params?: z.ZodObject | undefined;
  readonly query?: z.ZodObject | undefined;
  readonly body?: z.ZodObject | undefined;
  /** Of a body that is more than a handful of flags. */
  readonly bodyLimitBytes?: number | undefined;
  readonly status: 200 | 202;
  readonly answer: z.ZodType;
  /** What it changes, for the log, where the path does not name it. */
  readonly subject?: ((body: Call['body']) => string) | undefined;
  readonly handle: (daemon: Daemon, call: Call) => unknown;
}

export interface Call {
  readonly mapping: string;
  /** Id of the plan that the path names. */
  readonly plan: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Name of the token. */
  readonly by: string;
}

/** What the path names is not there. */
export class NotThere extends HeadraceError {}

export const ofMapping = '/v1/mappings/{mapping}';

/** Throws NotThere. */
export function known({ project }: Daemon, name: string): Mapping {
  const mapping = project.mappings.get(name);
  if (mapping !== undefined) return mapping;
  throw new NotThere('CONFIG_INVALID', `There is no mapping named \`${name}\`.`, {
    suggestion: suggestName(name, project.mappings.keys()),
  });
}
