import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FUNCTIONS, METHODS } from '../../src/contract/cel/environment.ts';
import { compileExpression, createScope } from '../../src/contract/cel/expression.ts';
import { ExpressionProblem } from '../../src/contract/cel/expression-problem.ts';
import { REASONS } from '../../src/contract/rejection.ts';
import type { ColumnKind } from '../../src/core/row.ts';
import { column } from './mappings.ts';

const page = readFileSync(new URL('../../docs/mapping.md', import.meta.url), 'utf8');

describe('docs/mapping.md', () => {
  it('lists every reason of a rejection with its sentence', () => {
    for (const [reason, sentence] of Object.entries(REASONS)) {
      expect(page).toContain(`| \`${reason}\` | ${sentence.replace('{type}', 'the type')} |`);
    }
  });

  it('names every function and method of expressions', () => {
    for (const name of [...FUNCTIONS, ...METHODS]) expect(page).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('shows expressions that compile', () => {
    const kinds: Record<string, ColumnKind> = {
      is_active: 'boolean',
      plan_code: 'string',
      mrr: 'decimal',
      used: 'int64',
      seats: 'int32',
      started_at: 'timestamptz',
      updated_at: 'timestamptz',
      properties: 'json',
      day: 'date',
    };
    const names = Object.keys(kinds);
    const scope = createScope(
      names.map((name) => column(name, kinds[name] ?? 'other')),
      new Map(names.map((name, index) => [name, index])),
    );
    const shown = [...page.matchAll(/cel: "([^"…]+)"/g)].map((match) => match[1] ?? '');
    expect(shown.length).toBeGreaterThan(6);
    for (const cel of shown) {
      const compiled = compileExpression(cel, scope);
      expect(compiled instanceof ExpressionProblem ? `${cel}: ${compiled.message}` : '').toBe('');
    }
  });
});
