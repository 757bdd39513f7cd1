import type { ExportedFile } from './exported-file.ts';
import { CLASS_WORDS, type FactPage, type FieldRow } from './fact-page.ts';
import { byClass, byOwner, CLASS_ORDER } from './page-index.ts';

/** The catalogue in Markdown: README.md, and a file per mapping. */
export function markdownCatalogue(project: string, pages: readonly FactPage[]): readonly ExportedFile[] {
  return [
    { name: 'README.md', text: indexText(project, pages) },
    ...pages.map((page) => ({ name: `${page.mapping}.md`, text: pageText(page) })),
  ];
}

function indexText(project: string, pages: readonly FactPage[]): string {
  const classes = byClass(pages);
  const lines = [
    `# Facts of ${plain(project)}`,
    '',
    `${pages.length} facts. Made by \`headrace contracts docs\`; what is edited here is lost with the next one.`,
  ];
  for (const name of CLASS_ORDER) {
    const members = classes.get(name);
    if (members === undefined) continue;
    lines.push('', `## ${name}`, '', CLASS_WORDS[name], '', '| fact | version | key | owner | what it means |', '|---|---|---|---|---|');
    for (const page of members)
      lines.push(
        `| [${cell(page.fact)}](${page.mapping}.md) | ${page.version} | ${cell(page.facts.find(([label]) => label === 'Key')?.[1] ?? '')} | ${cell(page.owner)} | ${cell(page.semantics)} |`,
      );
  }
  lines.push('', '## Owners', '');
  for (const [owner, members] of byOwner(pages))
    lines.push(`- ${plain(owner)}: ${members.map((page) => `[${plain(page.fact)}](${page.mapping}.md)`).join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function pageText(page: FactPage): string {
  const { sample } = page;
  return `${[
    `# ${plain(page.fact)} ${page.version}`,
    '',
    `*${page.class}* · [all facts](README.md)`,
    '',
    plain(page.semantics),
    '',
    '| | |',
    '|---|---|',
    ...page.facts.map(([label, text]) => `| ${label} | ${cell(text)} |`),
    '',
    '## Fields',
    '',
    '| field | type | | meaning | from |',
    '|---|---|---|---|---|',
    ...page.fields.map(fieldLine),
    '',
    '## For consumers',
    '',
    ...page.howTo.map((sentence) => `- ${plain(sentence)}`),
    '',
    '| header | meaning |',
    '|---|---|',
    ...page.headers.map(
      ({ name, meaning, optional, constant, symbols }) =>
        `| \`${name}\`${optional ? ' (not always)' : ''} | ${cell(meaning)}${valuesOf(constant, symbols)} |`,
    ),
    '',
    '## Sample',
    '',
    'Made from names and types; no row was read.',
    '',
    ...fenced('text', [`key: ${sample.key}`, ...sample.headers.map(([name, value]) => `${name}: ${value}`)].join('\n')),
    '',
    ...fenced('json', JSON.stringify(JSON.parse(sample.value), null, 2)),
    '',
    '## Lineage',
    '',
    ...page.lineage.map(
      ({ kind, name, detail }) => `1. ${kind} **${plain(name)}**${detail === undefined || detail === '' ? '' : ` – ${plain(detail)}`}`,
    ),
  ].join('\n')}\n`;
}

function fieldLine({ name, type, optional, description, roles, notices, source }: FieldRow): string {
  const notes = [...roles, ...(optional ? ['may be null'] : [])].join(', ');
  return `| \`${name}\` | ${cell(type)} | ${notes} | ${cell([description, ...notices].filter((each) => each !== '').join(' · '))} | ${cell(source)} |`;
}

function valuesOf(constant: string | undefined, symbols: readonly string[] | undefined): string {
  const values = constant === undefined ? (symbols ?? []) : [constant];
  return values.length === 0 ? '' : ` ${values.map((value) => `\`${value}\``).join(', ')}`;
}

/** A fence that is longer than any in the text. */
function fenced(language: string, text: string): readonly string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, text, fence];
}

/** A text in which nothing is markup: no tags, no links, no emphasis. */
function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_[\]#!~]/g, '\\$&');
}

function cell(text: string): string {
  return plain(text).replaceAll('|', '\\|');
}
