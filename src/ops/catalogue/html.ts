import type { MappingClass } from '../../config/project.ts';
import type { ExportedFile } from './exported-file.ts';
import { CLASS_WORDS, type FactPage, type FieldRow } from './fact-page.ts';
import { STYLE } from './html-style.ts';
import { byClass, byOwner, CLASS_ORDER } from './page-index.ts';

/** Text that was escaped, or that holds no text of users. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | Html | readonly (string | Html)[];

/** Every text that stands in the template is escaped; only what this function made stays as it is. */
function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, index) => text + render(parts[index - 1] ?? '') + string));
}

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  return typeof part === 'string' ? escaped(part) : part.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** The catalogue as one HTML file that needs nothing else: no script, no font, no address. Its policy forbids what it does not hold. */
export function htmlCatalogue(project: string, pages: readonly FactPage[]): readonly ExportedFile[] {
  const classes = byClass(pages);
  const present = CLASS_ORDER.flatMap((name) => {
    const members = classes.get(name);
    return members === undefined ? [] : [{ name, members }];
  });
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>Facts of ${project}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<nav aria-label="Facts">
<a class="brand" href="#top">${project}</a>
${present.map(({ name, members }) => html`<h2>${name}</h2><ul>${members.map((each) => html`<li><a href="#${each.mapping}">${each.fact}</a></li>`)}</ul>`)}
</nav>
<main id="top">
${header(project, pages, present)}
${present.flatMap(({ members }) => members.map(section))}
<footer>Made by <code>headrace contracts docs</code> from the project’s files.</footer>
</main>
</body>
</html>
`;
  return [{ name: 'index.html', text: page.text }];
}

function header(
  project: string,
  pages: readonly FactPage[],
  present: readonly { name: MappingClass; members: readonly FactPage[] }[],
): Html {
  return html`<header>
<h1>Facts of ${project}</h1>
<p class="lead">${pages.length === 1 ? 'One fact' : `${pages.length} facts`} that consumers may rely on: what each means, its key, its fields, who answers for it.</p>
</header>
${present.map(
  ({ name, members }) => html`<section class="group">
<h2>${badge(name)}</h2><p>${CLASS_WORDS[name]}</p>
<div class="table"><table>
<thead><tr><th>Fact</th><th>Version</th><th>Key</th><th>Owner</th><th>What it means</th></tr></thead>
<tbody>${members.map((each) => html`<tr><td><a href="#${each.mapping}">${each.fact}</a></td><td>${each.version}</td><td>${keyOf(each)}</td><td>${each.owner}</td><td>${each.semantics}</td></tr>`)}</tbody>
</table></div>
</section>`,
)}
<section class="group"><h2>Owners</h2>
<dl class="owners">${[...byOwner(pages)].map(([owner, members]) => html`<dt>${owner}</dt><dd>${members.map((each) => html`<a href="#${each.mapping}">${each.fact}</a> `)}</dd>`)}</dl>
</section>`;
}

function keyOf(page: FactPage): Html {
  return html`<code>${page.facts.find(([label]) => label === 'Key')?.[1] ?? ''}</code>`;
}

function badge(name: MappingClass): Html {
  return html`<span class="badge ${name}">${name}</span>`;
}

function section(page: FactPage): Html {
  const { sample } = page;
  return html`<article id="${page.mapping}">
<h2>${page.fact} <span class="version">${page.version}</span> ${badge(page.class)}</h2>
<p class="lead">${page.semantics}</p>
<dl class="facts">${page.facts.map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`)}</dl>
<h3>Fields</h3>
<div class="table"><table>
<thead><tr><th>Field</th><th>Type</th><th>Meaning</th><th>From</th></tr></thead>
<tbody>${page.fields.map(fieldRow)}</tbody>
</table></div>
<h3>For consumers</h3>
<ul class="sentences">${page.howTo.map((sentence) => html`<li>${sentence}</li>`)}</ul>
<details><summary>Headers</summary>
<div class="table"><table>
<thead><tr><th>Header</th><th>Meaning</th></tr></thead>
<tbody>${page.headers.map(
    ({ name, meaning, optional, constant, symbols }) =>
      html`<tr><td><code>${name}</code>${optional ? html` <span class="note">not always</span>` : ''}</td><td>${meaning}${(constant === undefined ? (symbols ?? []) : [constant]).map((value) => html` <code>${value}</code>`)}</td></tr>`,
  )}</tbody>
</table></div>
</details>
<h3>Sample</h3>
<p class="note">Made from names and types; no row was read.</p>
<pre><span class="dim">key</span> ${sample.key}
${sample.headers.map(([name, value]) => html`<span class="dim">${name}</span> ${value}\n`)}
${JSON.stringify(JSON.parse(sample.value), null, 2)}</pre>
<h3>Lineage</h3>
<ol class="lineage">${page.lineage.map(
    ({ kind, name, detail }) =>
      html`<li><span class="kind">${kind}</span> <strong>${name}</strong>${detail === undefined || detail === '' ? '' : html`<p>${detail}</p>`}</li>`,
  )}</ol>
</article>`;
}

function fieldRow({ name, type, optional, description, roles, notices, source }: FieldRow): Html {
  return html`<tr><td><code>${name}</code>${roles.map((role) => html` <span class="role">${role}</span>`)}</td><td><code class="type">${type}</code>${optional ? html` <span class="note">may be null</span>` : ''}</td><td>${description}${notices.map((notice) => html`<div class="note">${notice}</div>`)}</td><td class="note">${source}</td></tr>`;
}
