import { stripVTControlCharacters } from 'node:util';
import picocolors from 'picocolors';

/** Colours only on a terminal, or where https://force-color.org asks for them. */
export const isColored = (process.env.NO_COLOR ?? '') === '' && (process.stdout.isTTY === true || (process.env.FORCE_COLOR ?? '') !== '');
export const colors = picocolors.createColors(isColored);

let chapters = 0;

/** Something that the demo promised did not happen. */
export class DemoFailure extends Error {}

/** A numbered heading, and one or two sentences on what comes. */
export function chapter(title: string, text: string): void {
  console.log(`\n${colors.bold(`── ${++chapters}. ${title} `.padEnd(100, '─'))}\n`);
  if (text !== '') console.log(`${wrap(text)}\n`);
}

export function say(text: string): void {
  console.log(wrap(text));
}

/** A command as a user would type it. */
export function command(text: string): void {
  console.log(colors.cyan(`$ ${text}`));
}

/** Something that was checked, and holds. */
export function checked(text: string): void {
  console.log(wrap(text, `${colors.green('✓')} `));
}

/** Goes on only if both are the same; says it where `text` is given. */
export function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new DemoFailure(`${what}: expected ${show(expected)}, found ${show(found)}`);
}

/** Aligned columns; numbers stand right. */
export function table(titles: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? count(cell) : cell)));
  const widths = titles.map((title, i) => Math.max(title.length, ...texts.map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[], source?: readonly (string | number)[]) =>
    cells
      .map((cell, i) => {
        const space = ' '.repeat((widths[i] ?? 0) - width(cell));
        return typeof (source ?? rows[0])?.[i] === 'number' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  console.log(colors.dim(line(titles)));
  texts.forEach((row, i) => {
    console.log(line(row, rows[i]));
  });
}

/** `12,345` */
export function count(number: number): string {
  return number.toLocaleString('en');
}

/** `12,345 facts`, `1 fact` */
export function some(number: number, thing: string): string {
  return `${count(number)} ${thing}${number === 1 ? '' : 's'}`;
}

function wrap(text: string, prefix = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && width(line) + width(word) + 1 > 100) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return prefix + [...lines, line].join(`\n${' '.repeat(width(prefix))}`);
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

function show(value: unknown): string {
  return typeof value === 'number' ? count(value) : JSON.stringify(value);
}
