import type { Encoding } from '../config/project.ts';

/** Of the values in an encoding: what stands in the header `content-type`. */
export function mediaTypeOf(encoding: Encoding): string {
  return `application/${encoding}`;
}
