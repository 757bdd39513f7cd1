import { canonicalFactOf } from '../contract/canonical-fact.ts';
import { compileMapping } from '../contract/compile.ts';
import { checkDeclared } from '../contract/declared.ts';
import { HeadraceError } from '../core/errors.ts';
import type { FactMapper } from '../core/fact.ts';
import { problemsError } from '../core/problem.ts';
import type { Column } from '../core/row.ts';
import { checkContract } from './check-contract.ts';
import type { Job } from './job.ts';
import { CURSOR_KINDS } from './watermark.ts';

/** The mapping compiled against the columns that the warehouse has now. */
export interface Contract {
  readonly mapper: FactMapper;
  readonly keyLength: number;
  readonly canonical: (fields: readonly string[]) => string;
  readonly columns: readonly Column[];
}

/** First of all the contract: what consumers were not promised is not read, either. Throws its CONTRACT_… errors; CONFIG_INVALID with every place where mapping, model, dbt and warehouse do not fit together. */
export async function compileContract(job: Job): Promise<Contract> {
  const { mapping, model } = job;
  checkContract(job);
  // Before the warehouse is asked: what dbt declares may have changed since the mapping was written.
  const mismatches = checkDeclared(mapping, model).filter(({ severity }) => severity === 'error');
  if (mismatches.length > 0) throw problemsError(mismatches);
  const columns = await job.warehouse.describe(model.relation);
  const { mapper, keyLength } = compileMapping(mapping, model, columns);
  const cursor = columns.find((c) => c.name === model.cursor?.column);
  if (cursor !== undefined && !CURSOR_KINDS.has(cursor.kind)) {
    const { file, line } = model.locate('cursor.column');
    throw new HeadraceError(
      'CONTRACT_MISMATCH',
      `${file}:${line ?? 1}  cursor.column: ${cursor.name} is ${cursor.sourceType}, which has no order that a watermark can stand in.`,
      {
        suggestion: `Use a column of one of these kinds: ${[...CURSOR_KINDS].join(', ')}.`,
      },
    );
  }
  return { mapper, keyLength, canonical: canonicalFactOf(mapper.fieldNames), columns };
}
