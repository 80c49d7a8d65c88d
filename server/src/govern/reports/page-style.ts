// The look of our pages: a document to be read and printed, not a dashboard. Colour only says what words say too.

export const style = (printed: string): string => `
:root {
  color-scheme: light dark;
  --paper: #fff; --soft: #f6f6f3; --ink: #1b1d21; --muted: #5a6069; --line: #dcdfe3;
  --recomputed: #17663f; --asserted: #34567f; --contradicted: #a61b14; --missing: #835400; --erased: #5e4a8a;
  --alarm: #fdf1ef; --notice: #fbf6ea; --target: #fff3c4;
  --serif: Charter, 'Bitstream Charter', 'Iowan Old Style', 'Sitka Text', Cambria, Georgia, serif;
  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'Liberation Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --soft: #1e2125; --ink: #e8e9eb; --muted: #a4abb4; --line: #343940;
    --recomputed: #74cf9f; --asserted: #a3bfe6; --contradicted: #ff9389; --missing: #e5b45f; --erased: #bfaeea;
    --alarm: #2e1b1a; --notice: #2a2418; --target: #3d3517;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 var(--sans); font-variant-numeric: tabular-nums lining-nums; overflow-wrap: break-word;
}
main, body > header, body > footer { max-width: 64rem; margin: 0 auto; padding: 0 1.5rem; }
body > header { padding-top: 3rem; }
body > footer { padding-bottom: 4rem; }
section { margin-top: 3.25rem; }
h1, h2, h3, p, dl, ol, ul, figure { margin: 0; }
h1 { font: 500 1.02rem/1.4 var(--sans); color: var(--muted); }
h1 b { color: var(--ink); font-weight: 600; }
h2 { font: 600 1.2rem/1.3 var(--serif); letter-spacing: .005em; }
h2 + .lead { max-width: 44rem; margin-top: .3rem; color: var(--muted); font-size: .92rem; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 2px solid var(--asserted); outline-offset: 2px; }
:target { background: var(--target); }
code, .hash { font-family: var(--mono); font-size: .86em; }
.hash { overflow-wrap: anywhere; }
td:has(.hash) { width: 38%; }
.muted { color: var(--muted); }
.small { font-size: .86rem; }
.nowrap { white-space: nowrap; }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .4rem .8rem; background: var(--paper); z-index: 1; }

.sentence { max-width: 44rem; margin-top: 1.1rem; font: 400 1.6rem/1.42 var(--serif); text-wrap: pretty; }
.alerts { list-style: none; padding: 0; margin-top: 1.5rem; max-width: 46rem; }
.alerts li { padding: .7rem 1rem; border-left: 4px solid var(--missing); background: var(--notice); }
.alerts li + li { margin-top: .5rem; }
.alerts li > .mark { display: block; }
.alerts p + p { margin-top: .3rem; }
.alerts li:has(> .altered, > .contradicted) { border-color: var(--contradicted); background: var(--alarm); }
.alerts li:has(> .erased) { border-color: var(--erased); background: var(--soft); }

.facts { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem 2rem; margin-top: 1.8rem;
  padding: 1.1rem 0; border: solid var(--line); border-width: 1px 0; }
.facts dt { font-size: .8rem; color: var(--muted); }
.facts dd { margin: 0; }
.counts { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; list-style: none; padding: 0; margin-top: 1rem; }

.mark { white-space: nowrap; font-weight: 600; font-size: .92em; }
.mark svg { width: .8em; height: .8em; margin-right: .4em; vertical-align: -.03em; fill: none; stroke: currentColor;
  stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.recomputed, .intact { color: var(--recomputed); }
.asserted { color: var(--asserted); }
.contradicted, .altered { color: var(--contradicted); }
.missing { color: var(--missing); }
.erased { color: var(--erased); }
.mark.intact { font-weight: 400; }

.score { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem 1.2rem; margin-top: .8rem; }
.score strong { font: 400 3.4rem/1.1 var(--serif); font-variant-numeric: lining-nums tabular-nums; }

table { width: calc(100% + 1.2rem); margin: 1rem -.6rem 0; border-collapse: collapse; font-size: .93rem; line-height: 1.45; }
caption { text-align: left; color: var(--muted); padding-bottom: .5rem; }
th, td { padding: .5rem .9rem .5rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: .6rem; }
th:last-child, td:last-child { padding-right: .6rem; }
thead th { font-weight: 500; font-size: .82rem; color: var(--muted); border-bottom-color: var(--muted); vertical-align: bottom; }
tbody th { font-weight: 400; }
.number { text-align: right; }
.differs { color: var(--contradicted); font-weight: 700; }
.row-contradicted, .row-altered { background: var(--alarm); }
.expression { display: block; margin-top: .1rem; color: var(--muted); font-size: .82rem; line-height: 1.4; }
.references { display: flex; flex-wrap: wrap; gap: 0 .45em; list-style: none; padding: 0; }
.spans { display: block; color: var(--muted); font-size: .86rem; }

.reasons th, .reasons td { border: 0; padding-block: .22rem; white-space: nowrap; }
.reasons .bar { width: 100%; }
.bar svg { display: block; width: 100%; height: 1.25rem; }
.bar .for { fill: var(--ink); opacity: .78; }
.bar .against { fill: none; stroke: var(--ink); stroke-width: 1.2; vector-effect: non-scaling-stroke; opacity: .78; }
.bar line { stroke: var(--muted); stroke-width: 1; vector-effect: non-scaling-stroke; }
.events td:nth-child(2) { white-space: nowrap; }
.events td:nth-child(3) { min-width: 12.5rem; }
.events td:nth-child(6) code { font-size: .82em; }

.chain { display: grid; grid-template-columns: repeat(3, 1fr); list-style: none; padding: 0; margin-top: 1rem; gap: 2.2rem; }
.chain > li { position: relative; padding-top: .7rem; border-top: 3px solid var(--line); }
.chain > li + li::before { content: '\\2190'; position: absolute; left: -1.65rem; top: -.95rem; color: var(--muted); }
.chain h3 { font-size: .8rem; font-weight: 400; color: var(--muted); }
.chain p { margin-top: .25rem; overflow-wrap: anywhere; }

details { margin-top: 1rem; border-top: 1px solid var(--line); }
summary { padding: .8rem 0; cursor: pointer; font-weight: 600; }
summary .muted { font-weight: 400; }
.checkpoint { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; }
.checkpoint dt { color: var(--muted); }
.checkpoint dd { margin: 0; min-width: 0; }
pre { margin: .6rem 0 0; padding: .7rem 1rem; background: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; font: .86rem/1.5 var(--mono); }
.legend { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.2rem; margin-top: 1rem; max-width: 46rem; }
.legend dd { margin: 0; }
.notes { max-width: 46rem; margin-top: 1.5rem; }
.notes p + p { margin-top: .5rem; }

@media (max-width: 46rem) {
  main, body > header, body > footer { padding-inline: 1.1rem; }
  body > header { padding-top: 1.6rem; }
  section { margin-top: 2.5rem; }
  .sentence { font-size: 1.3rem; }
  .facts, .chain { grid-template-columns: 1fr; }
  .facts { gap: .7rem; }
  .chain { gap: 1.4rem; }
  .events tbody th { font-weight: 600; }
  .events tbody th::before { content: 'No. '; }
  .chain > li + li::before { content: '\\2191'; left: 0; top: -1.5rem; font-size: .9rem; }
  .checkpoint, .legend { grid-template-columns: 1fr; gap: 0; }
  .checkpoint dd, .legend dd { margin-bottom: .6rem; }
  .stacked, .stacked tbody, .stacked tr, .stacked th, .stacked td { display: block; }
  .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stacked tr { padding: .7rem 0; border-bottom: 1px solid var(--line); }
  .stacked tr { padding-inline: .6rem; }
  .stacked th, .stacked td, .stacked td:has(.hash) { width: auto; border: 0; padding: .1rem 0; text-align: left; }
  .stacked td { display: grid; grid-template-columns: 7.2rem 1fr; gap: .6rem; }
  .stacked td::before { content: attr(data-label); color: var(--muted); font-size: .86rem; }
  .stacked td[data-empty] { display: none; }
  .reasons { width: 100%; margin-inline: 0; }
  .reasons thead, .reasons .truth { display: none; }
  .reasons tr { display: grid; grid-template-columns: 1fr max-content; padding: .2rem 0; }
  .reasons th, .reasons td { width: auto; padding: 0; }
  .reasons .bar { width: auto; grid-column: 1 / -1; grid-row: 2; padding: 0; }
  .events td:nth-child(3) { min-width: 0; }
}

@page { size: A4; margin: 17mm 16mm 19mm; @bottom-left { content: '${printed}'; font: 8pt sans-serif; color: #555; }
  @bottom-right { content: counter(page) ' / ' counter(pages); font: 8pt sans-serif; color: #555; } }
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --soft: #f6f6f3; --ink: #000; --muted: #4a4f57; --line: #c9cdd2;
    --recomputed: #17663f; --asserted: #34567f; --contradicted: #a61b14; --missing: #835400; --erased: #5e4a8a;
    --alarm: #fdf1ef; --notice: #fbf6ea; --target: transparent;
  }
  body { font-size: 9.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, body > header, body > footer { max-width: none; padding: 0; }
  section { margin-top: 2rem; }
  .sentence { font-size: 1.45rem; max-width: none; }
  table { font-size: .9rem; }
  th, td { padding-block: .32rem; }
  h2, caption { break-after: avoid; }
  h2 + .lead { break-after: avoid; break-inside: avoid; }
  tr, .alerts li, .chain li, .facts div, .score, .legend dt, .legend dd { break-inside: avoid; }
  .reasons, .chain { break-inside: avoid; }
  .facts { grid-template-columns: repeat(3, 1fr); gap: .6rem 1.5rem; padding: .8rem 0; margin-top: 1.3rem; }
  .events td:nth-child(2) { white-space: normal; }
  .events td:nth-child(3) { min-width: 9rem; }
  td:has(.hash) { width: 46%; }
  .score strong { font-size: 2.8rem; }
  .legend { gap: .15rem 1.2rem; }
  .skip { display: none; }
  a { text-decoration: none; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; opacity: 1; }
  summary { list-style: none; }
  summary::-webkit-details-marker { display: none; }
  pre { white-space: pre-wrap; }
}
`
