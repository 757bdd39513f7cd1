import type { Command } from 'commander';

export interface SelectFlags {
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
}

/** `--select` and `--exclude`, as dbt's: src/ops/select-mappings.ts says what the terms mean. */
export function addSelectOptions(command: Command): Command {
  return command
    .option('--select <terms...>', 'mappings by name, class:, tag:, model: or warehouse:; * is any text, a comma means both')
    .option('--exclude <terms...>', 'less these');
}
