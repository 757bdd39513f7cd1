import { integer } from './leaf.ts';
import { duration } from './scalars.ts';

/** The keys that every kind of warehouse has. */
export const warehouseTimeouts = {
  statement_timeout: duration('1s', '1d').optional().meta({ description: 'The longest that one statement may take.', default: '30m' }),
  connect_timeout: duration('100ms', '10m').optional().meta({ description: 'The longest that connecting may take.', default: '10s' }),
  concurrency: integer(1, 1000).optional().meta({ description: 'Runs that may read it at a time under `headrace serve`.', default: 4 }),
};
