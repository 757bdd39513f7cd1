/** A column of a table for people. */
export interface TableColumn<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  /** Numbers stand right. */
  readonly align?: 'right';
}

/** Aligned text with a line of titles. Widths count what is seen, not the codes of colours. */
export function formatTable<T>(columns: readonly TableColumn<T>[], rows: readonly T[]): string {
  const lines = [columns.map((c) => c.title), ...rows.map((row) => columns.map((c) => c.value(row)))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => visibleWidth(line[i] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((cell, i) => {
          const space = ' '.repeat((widths[i] ?? 0) - visibleWidth(cell));
          return columns[i]?.align === 'right' ? space + cell : cell + space;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function visibleWidth(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with the escape character
  return text.replaceAll(/\u001b\[[0-9;]*m/g, '').length;
}
