/** The catalogue's looks, light and dark. It names no font or picture from elsewhere. */
export const STYLE = `
:root { --ink: #1d2733; --soft: #5c6b7c; --line: #dfe5ec; --paper: #fff; --shade: #f5f7fa; --accent: #0b63a5;
  --governance: #8a2f5e; --command: #a5480b; --profile: #0b63a5; --behavior: #3c6e2f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dfe6ee; --soft: #93a3b5; --line: #2b3644; --paper: #12181f; --shade: #1a222c; --accent: #6db3ee;
    --governance: #e58ab9; --command: #f0a36b; --profile: #6db3ee; --behavior: #93c985; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr); color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86em; overflow-wrap: anywhere; }
nav { position: sticky; top: 0; align-self: start; height: 100vh; overflow-y: auto; padding: 1.75rem 1.25rem; background: var(--shade); border-right: 1px solid var(--line); }
nav .brand { display: block; font-weight: 650; font-size: 1.1rem; color: var(--ink); overflow-wrap: anywhere; }
nav h2 { margin: 1.5rem 0 .3rem; font-size: .75rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; } nav li { padding: .15rem 0; overflow-wrap: anywhere; }
main { max-width: 68rem; padding: 2.5rem clamp(1rem, 4vw, 3.5rem); }
h1 { margin: 0 0 .3rem; font-size: 2rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 0 0 .4rem; font-size: 1.4rem; line-height: 1.3; overflow-wrap: anywhere; }
h3 { margin: 2rem 0 .5rem; font-size: 1rem; }
.lead { margin: .2rem 0 1.2rem; font-size: 1.05rem; color: var(--soft); max-width: 46rem; }
.group { margin-top: 2.25rem; } .group > p { margin: .1rem 0 .8rem; color: var(--soft); }
article { margin-top: 3.5rem; padding-top: 2.5rem; border-top: 1px solid var(--line); scroll-margin-top: 0; }
.version { font-weight: 450; color: var(--soft); }
.badge { display: inline-block; vertical-align: .12em; padding: .1rem .6rem; border: 1px solid currentColor; border-radius: 1rem; font-size: .78rem; font-weight: 600; line-height: 1.4; }
.badge.governance { color: var(--governance); } .badge.command { color: var(--command); } .badge.profile { color: var(--profile); } .badge.behavior { color: var(--behavior); }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { width: 100%; border-collapse: collapse; font-size: .93rem; }
th, td { padding: .5rem .8rem; text-align: left; vertical-align: top; } th { font-size: .8rem; font-weight: 600; color: var(--soft); background: var(--shade); white-space: nowrap; }
td code { overflow-wrap: break-word; } .group table { table-layout: fixed; min-width: 58rem; } .group th:nth-child(1) { width: 20%; } .group th:nth-child(2) { width: 8%; } .group th:nth-child(3) { width: 17%; } .group th:nth-child(4) { width: 22%; }
.group td { overflow-wrap: anywhere; } .group td:first-child { white-space: normal; }
tbody tr { border-top: 1px solid var(--line); } td:first-child { white-space: nowrap; }
.type { color: var(--accent); } .note { color: var(--soft); font-size: .85rem; } p.note { margin: 0 0 .5rem; }
.role { padding: .05rem .4rem; border-radius: .25rem; background: var(--shade); border: 1px solid var(--line); font-size: .75rem; color: var(--soft); }
dl { margin: 0; } dd { margin: 0; overflow-wrap: anywhere; } dt { color: var(--soft); font-size: .8rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .9rem 1.5rem; padding: 1rem 1.2rem; background: var(--shade); border: 1px solid var(--line); border-radius: .5rem; }
.owners { display: grid; grid-template-columns: minmax(12rem, auto) 1fr; gap: .4rem 1.5rem; } .owners dt { font-size: .93rem; } .owners a { margin-right: .8rem; }
.sentences { margin: 0; padding-left: 1.2rem; max-width: 50rem; } .sentences li { margin: .3rem 0; }
details { margin-top: 1rem; } summary { cursor: pointer; color: var(--accent); margin-bottom: .6rem; }
pre { margin: 0; padding: 1rem 1.2rem; background: var(--shade); border: 1px solid var(--line); border-radius: .5rem; overflow-x: auto; white-space: pre-wrap; }
.dim { color: var(--soft); }
.lineage { list-style: none; margin: 0; padding: 0; border-left: 2px solid var(--line); } .lineage li { position: relative; padding: .25rem 0 .5rem 1.2rem; }
.lineage li::before { content: ""; position: absolute; left: -6px; top: .75rem; width: 10px; height: 10px; border-radius: 50%; background: var(--paper); border: 2px solid var(--accent); }
.lineage p { margin: 0; color: var(--soft); font-size: .93rem; } .kind { color: var(--soft); font-size: .85rem; margin-right: .3rem; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
@media (max-width: 60rem) { body { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); } }
@media print { body { display: block; } nav { display: none; } article { break-before: page; border-top: 0; } }
`;
