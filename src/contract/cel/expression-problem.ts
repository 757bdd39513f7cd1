/** What is wrong with an expression. */
export class ExpressionProblem {
  readonly message: string;
  readonly suggestion: string | undefined;

  constructor(message: string, suggestion?: string) {
    this.message = message;
    this.suggestion = suggestion;
  }
}

/** `dyn<int>` says only that a column may be null. */
export function bare(type: string): string {
  return /^dyn<(.+)>$/.exec(type)?.[1] ?? type;
}

/** The name that docs/mapping.md gives a type. */
export function shown(type: string): string {
  return type.replaceAll(/\binstant\b/g, 'timestamp');
}
