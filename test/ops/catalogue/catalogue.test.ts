import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Project } from '../../../src/config/project.ts';
import { factPage } from '../../../src/ops/catalogue/fact-page.ts';
import { htmlCatalogue } from '../../../src/ops/catalogue/html.ts';
import { markdownCatalogue } from '../../../src/ops/catalogue/markdown.ts';
import { lines, loadDbt } from '../../config/dbt/dbt-files.ts';
import { mustLoad } from '../../config/written-project.ts';
import { TEXTS, type Texts, wideProject } from './wide-project.ts';

const pagesOf = (project: Project) => [...project.mappings.values()].map((mapping) => factPage(project, mapping));

async function htmlOf(texts: Texts = TEXTS): Promise<string> {
  const { project } = await wideProject(texts);
  const [file, ...others] = htmlCatalogue(project.name, pagesOf(project));
  expect(others).toEqual([]);
  return file?.text ?? '';
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg/onload=alert(1)>",
  '</style><script>alert(1)</script>',
  '</pre></code><iframe src="javascript:alert(1)">',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '{{ alert(1) }} <!-- -->',
];

/** Every tag with its attributes, in order: what a browser would act on. */
const tagsOf = (html: string) => html.match(/<[^>]*>/g) ?? [];

test.each(HOSTILE)('no description adds a tag or an attribute to the page: %s', async (text) => {
  const tags = tagsOf(await htmlOf());
  const html = await htmlOf({ semantics: text, owner: text, description: text, model: text });
  expect(tagsOf(html)).toEqual(tags);
  expect(html).not.toMatch(/<(script|img|svg|iframe)/i);
});

test('nor does any other text', async () => {
  const tags = tagsOf(await htmlOf());
  const text = fc.string({ unit: fc.constantFrom(...'<>&"\'/=` abcscript!-\n'), minLength: 1, maxLength: 40 }).map((inner) => `x${inner}x`);
  await fc.assert(
    fc.asyncProperty(text, async (inner) => {
      expect(tagsOf(await htmlOf({ semantics: inner, owner: inner, description: inner, model: inner }))).toEqual(tags);
    }),
    { numRuns: 40 },
  );
});

test('the page needs nothing else, and its policy allows nothing else', async () => {
  const html = await htmlOf();
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`);
  expect(html).not.toMatch(/\b(src|srcset|action)=|url\(|@import|<link/);
  const targets = [...html.matchAll(/href="([^"]*)"/g)].map(([, target]) => target ?? '');
  expect(targets.length).toBeGreaterThan(4);
  for (const target of targets) expect(html).toContain(`id="${target.replace(/^#/, '')}"`);
  expect(html).not.toMatch(/s3cr3t|postgres:/);
});

test('every field, header and policy stands on the page of its fact', async () => {
  const { project, wide } = await wideProject();
  const page = factPage(project, wide);
  expect(page.fields.map(({ name, type }) => `${name} ${type}`)).toEqual(
    expect.arrayContaining([
      'kind enum(a.b, c|d)',
      'address object',
      'address.city string',
      'built object',
      'built.inner int64',
      'list array of int64',
    ]),
  );
  const html = await htmlOf();
  const [, markdown] = markdownCatalogue(project.name, [page]);
  for (const text of [html, markdown?.text ?? '']) {
    for (const { name } of [...page.fields, ...page.headers]) expect(text).toContain(name);
    for (const words of ['backward', 'shop.wide.v2', 'read', 'tombstone', 'may be null', 'data subject']) expect(text).toContain(words);
  }
});

test('in Markdown, too, texts are texts: no tags, links or cells of their own', async () => {
  const render = async (text: string) => {
    const { project } = await wideProject({ semantics: text, owner: text, description: text, model: text });
    return markdownCatalogue(project.name, pagesOf(project));
  };
  const plain = await render('x');
  expect(plain.map(({ name }) => name)).toEqual(['README.md', 'event.md', 'wide.md']);
  for (const hostile of [
    ...HOSTILE,
    'a | b | c',
    '[click](javascript:alert(1))',
    '![x](y)',
    '# title',
    '`code`',
    'a\n\n---\n\n# b',
    '**bold** _it_ ~~no~~',
  ]) {
    for (const [index, { text }] of (await render(hostile)).entries()) {
      const fenceless = text.replace(/^```[\s\S]*?^```$/gm, '');
      expect(fenceless).not.toMatch(/<[a-z/!]/i);
      expect(fenceless).not.toMatch(/(?<!\\)\[click\]|(?<!\\)!\[x|(?<!\\)\*\*bold/);
      expect(fenceless.split('\n')).toHaveLength((plain[index]?.text.replace(/^```[\s\S]*?^```$/gm, '') ?? '').split('\n').length);
      const bars = (whole: string) =>
        whole.split('\n').map((line) => (line.startsWith('|') ? line.replaceAll('\\|', '').split('|').length : 0));
      expect(bars(fenceless)).toEqual(bars(plain[index]?.text.replace(/^```[\s\S]*?^```$/gm, '') ?? ''));
    }
  }
});

test('the lineage goes from what dbt reads to the topic', async () => {
  const loaded = await loadDbt();
  expect(lines(loaded.problems)).toEqual([]);
  const [page] = pagesOf(mustLoad(loaded));
  expect(page?.lineage.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'dbt model analytics.stg_entitlements',
    'dbt model analytics.customer_entitlements v2',
    'model m',
    'mapping entitlement',
    'topic shop.customer.entitlement.v1',
  ]);
  expect(page?.lineage[1]?.detail).toContain('Owner: Billing data <billing-data@example.com>.');
});

test('frozen versions, former names and deprecations are said', async () => {
  const { project, wide } = await wideProject();
  const deprecated = { since: '2026-01-01', until: '2027-01-01', reason: 'Use shop.new.' };
  const [id, ...others] = wide.fields;
  if (id === undefined) throw new Error('no field');
  const changed = { ...wide, deprecated, fields: [{ ...id, aliases: ['ident', 'nr'], deprecated }, ...others] };
  const contracts = new Map([
    ['wide', { versions: [{ rules: { ...wide, version: { major: 2, minor: 2 } } }] }],
  ]) as unknown as Project['contracts'];
  const page = factPage({ ...project, contracts }, changed);
  expect(page.facts).toContainEqual(['Versions', '2.2, 2.3 (not frozen)']);
  expect(page.facts).toContainEqual(['Notice', 'deprecated since 2026-01-01, until 2027-01-01: Use shop.new.']);
  expect(page.fields[0]?.notices).toEqual(['deprecated since 2026-01-01, until 2027-01-01: Use shop.new.', 'formerly ident, nr']);
  for (const { text } of [...htmlCatalogue('shop', [page]), ...markdownCatalogue('shop', [page])].filter(
    ({ name }) => name !== 'README.md',
  ))
    expect(text).toContain('formerly ident, nr');
});
