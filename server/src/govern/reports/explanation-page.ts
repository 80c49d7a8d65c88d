import type { Claim, ContributingEvent, ExplainedInput, Explanation, FeatureValue, Integrity, Truth } from '@whence/sdk'
import {
  badNews,
  campaignOf,
  campaignsOf,
  claimName,
  claimsOf,
  consentOf,
  integrityText,
  notAnchored,
  signed,
  upstreamText,
  valueText,
  verdictOf,
  weakest,
  withEventsTogether,
} from './explanation.ts'
import { style } from './explanation-style.ts'
import { html, Html } from './html.ts'
import { number, plural, printable } from './text.ts'

/**
 * An explanation as one HTML page that needs nothing else: no script, no address elsewhere. What is wrong comes first,
 * then the plain sentence, the decision, its reasons, inputs and events, where the model came from, every claim with its
 * two marks, and folded up, the records to check it by.
 */
export function explanationPage(explanation: Explanation): string {
  const e = printable(explanation)
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>Explanation of ${e.id}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        ${icons} ${header(e)}
        <main id="main">
          ${decision(e)} ${reasons(e)} ${inputs(e)} ${events(e)} ${origin(e)} ${upstream(e)} ${claims(e)} ${evidence(e)}
        </main>
        ${footer(e)}
      </body>
    </html> `
  return page.text.replace(/^ +/gm, '')
}

const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

type Mark = Truth | Integrity

// Drawn, so that every font shows them alike: a tick, a quotation mark, a cross, a gap, a struck-out circle.
const drawings: Record<Mark, Html> = {
  recomputed: html`<path d="M2 6.5 5 9.5 10.5 2.5" />`,
  intact: html`<path d="M2 6.5 5 9.5 10.5 2.5" />`,
  asserted: html`<path d="M4.5 3.5C2.8 4 2.3 5.5 2.5 8M9.5 3.5C7.8 4 7.3 5.5 7.5 8" />`,
  contradicted: html`<path d="M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5" />`,
  altered: html`<path d="M6 1.5V7M6 10v.3" />`,
  missing: html`<path d="M6 1.8A4.2 4.2 0 1 1 6 10.2 4.2 4.2 0 0 1 6 1.8" stroke-dasharray="2 2.4" />`,
  erased: html`<path d="M6 1.8A4.2 4.2 0 1 1 6 10.2 4.2 4.2 0 0 1 6 1.8M3 9 9 3" />`,
}

const icons = html`<svg width="0" height="0" aria-hidden="true" focusable="false" class="visually-hidden">
  ${Object.entries(drawings).map(([mark, path]) => html`<symbol id="m-${mark}" viewBox="0 0 12 12">${path}</symbol>`)}
</svg>`

function markOf(mark: Mark): Html {
  return html`<span class="mark ${mark}"
    ><svg aria-hidden="true"><use href="#m-${mark}" /></svg>${mark}</span
  >`
}

function header(e: Explanation): Html {
  const news = badNews(e)
  const grave = news.filter(({ mark }) => mark === 'altered' || mark === 'contradicted' || mark === 'erased')
  const other = news.filter((item) => !grave.includes(item))
  return html`<header>
    <a class="skip" href="#main">Skip to the decision</a>
    <h1>Whence: explanation of prediction <b>${e.id}</b></h1>
    ${alerts(grave, 'What is wrong')}
    <p class="sentence">${e.sentence}</p>
    ${alerts(other, 'What else to know')}
    <dl class="facts">
      ${fact('Made', moment(e.time))} ${fact('By the model', e.model.name)}
      ${fact('About', e.entity === undefined ? undefined : `${e.entityType} ${e.entity}`)}
      ${fact('For', campaignOf(e.about ?? {}) || undefined)}
      ${fact('Knowing', html`records before ${number(e.asOf)} of <span class="nowrap">${e.checkpoint.origin}</span>`)}
      ${fact('The log', `${integrityText(e)}, ${anchorText(e)}`)}
    </dl>
    ${counts(e)}
  </header>`
}

function alerts(items: { mark: Mark; text: string }[], label: string): Html | undefined {
  if (items.length === 0) return undefined
  const groups = [...Map.groupBy(items, ({ mark }) => mark)]
  return html`<ul class="alerts" aria-label="${label}">
    ${groups.map(([mark, those]) => html`<li>${markOf(mark)} ${those.map(({ text }) => html`<p>${text}</p>`)}</li>`)}
  </ul>`
}

function fact(label: string, value: Html | string | undefined): Html | undefined {
  if (value === undefined) return undefined
  return html`<div>
    <dt>${label}</dt>
    <dd>${value}</dd>
  </div>`
}

const truths: Truth[] = ['contradicted', 'missing', 'erased', 'asserted', 'recomputed']

function counts({ counts: found }: Explanation): Html {
  const all = truths.reduce((sum, truth) => sum + found[truth], 0)
  return html`<ul class="counts" aria-label="${plural(all, 'claim')}">
    <li>${plural(all, 'claim')}</li>
    ${truths.map((truth) =>
      found[truth] === 0
        ? html`<li class="muted none">0 ${truth}</li>`
        : html`<li class="${truth}"><b>${found[truth]}</b> ${markOf(truth)}</li>`,
    )}
  </ul>`
}

function decision(e: Explanation): Html {
  const { stored, recomputed, truth } = e.score
  const shown = stored ?? recomputed
  const again =
    truth === 'contradicted' && recomputed !== undefined
      ? html`<span class="differs">recomputed from its model and inputs: ${recomputed.toFixed(4)}</span>`
      : undefined
  return section(
    'decision',
    'Decision',
    undefined,
    html`<p class="score">
      ${shown === undefined ? html`<span>A score</span>` : html`<strong>${shown.toFixed(4)}</strong>`}
      ${e.predicts && html`<span>for “${e.predicts}”</span>`} ${markOf(truth)} ${again}
    </p>`,
  )
}

function reasons(e: Explanation): Html {
  if (e.reasons.length === 0) {
    const why = e.score.truth === 'erased' ? 'They can no longer be read.' : 'None are known for this prediction.'
    return section(
      'reasons',
      'Reasons',
      undefined,
      html`<p>${markOf(e.score.truth === 'erased' ? 'erased' : 'missing')} ${why}</p>`,
    )
  }
  const furthest = Math.max(...e.reasons.map(({ contribution }) => Math.abs(contribution)), Number.MIN_VALUE)
  const least = Math.min(0, ...e.reasons.map(({ contribution }) => contribution))
  const span = Math.max(0, ...e.reasons.map(({ contribution }) => contribution)) - least || furthest
  const place = (value: number) => (((value - least) / span) * 100).toFixed(2)
  const rows = e.reasons.map(
    ({ feature, contribution, truth }) =>
      html`<tr>
        <th scope="row"><code>${feature}</code></th>
        <td class="bar">
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <rect
              class="${contribution < 0 ? 'against' : 'for'}"
              x="${place(Math.min(0, contribution))}"
              width="${((Math.abs(contribution) / span) * 100).toFixed(2)}"
              y="2"
              height="6"
            />
            <line x1="${place(0)}" x2="${place(0)}" y1="0" y2="10" />
          </svg>
        </td>
        <td class="number">${signed(contribution)}</td>
        <td class="truth">${markOf(truth)}</td>
      </tr>`,
  )
  return section(
    'reasons',
    'Reasons',
    'What each feature added to the score or took from it, in log-odds, measured from an average row.',
    html`<table class="reasons">
      <thead class="visually-hidden">
        <tr>
          <th scope="col">Feature</th>
          <th scope="col">Direction</th>
          <th scope="col">Contribution</th>
          <th scope="col">Truth</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  )
}

function inputs(e: Explanation): Html {
  const from = e.snapshot
    ? `From ${e.snapshot.view}, snapshot ${number(e.snapshot.id)}, at ${moment(e.snapshot.at)}, knowing records before ${number(e.snapshot.asOf)}.`
    : 'No feature snapshot is named.'
  const ordinals = new Map(e.events.map(({ seq }, i) => [seq, i + 1]))
  const events = new Map(e.events.map((event) => [event.seq, event]))
  return section(
    'inputs',
    'Inputs',
    `${from} Served is what the producer says the model saw; stored is what the snapshot holds.`,
    stacked(
      ['Feature', { number: 'Served' }, { number: 'Stored' }, { number: 'Recomputed' }, 'Truth', 'Events behind it'],
      e.inputs.map((input) => ({
        class: input.truth === 'contradicted' ? 'row-contradicted' : undefined,
        id: undefined,
        cells: [
          html`<code>${input.name}</code> ${input.window && html`<span class="muted">over ${input.window}</span>`}
            <code class="expression">${input.expression}</code>
            ${input.note && html`<span class="spans">${input.note}</span>`}`,
          ...values(input),
          markOf(input.truth),
          behind(input, ordinals, events),
        ],
      })),
    ),
  )
}

function values(input: ExplainedInput): (Html | string)[] {
  const { served, stored, recomputed } = input
  return [served, stored, recomputed].map((value) =>
    value !== undefined && input.truth === 'contradicted' && !same(value, recomputed)
      ? html`<span class="differs">${valueText(value)}<span class="visually-hidden">, differs</span></span>`
      : valueText(value),
  )
}

function same(a: FeatureValue, b: FeatureValue | undefined): boolean {
  return b === undefined || Object.is(a, b)
}

function behind(
  input: ExplainedInput,
  ordinals: Map<number, number>,
  events: Map<number, ContributingEvent>,
): Html | string {
  const known = input.events.flatMap((seq) => events.get(seq) ?? [])
  if (known.length === 0) return input.truth === 'erased' ? '' : plural(input.events.length, 'event')
  const shown = known.slice(0, 24)
  return html`<ul class="references" aria-label="${plural(known.length, 'event')}">
      ${shown.map(({ seq }) => html`<li><a href="#event-${seq}">${ordinals.get(seq)}</a></li>`)}
      ${known.length > shown.length && html`<li>and ${number(known.length - shown.length)} more</li>`}
    </ul>
    <span class="spans">${campaignsOf(known)}</span>`
}

function events(e: Explanation): Html | undefined {
  if (e.events.length === 0) return undefined
  const asserted = e.events.filter(({ knownAsserted }) => knownAsserted).length
  const known = asserted === 0 ? '' : ` When it became known is the source’s own word for ${asserted} of them.`
  return section(
    'events',
    'Events',
    `The ${plural(e.events.length, 'event')} that the inputs were computed from, opened and checked against their records.${known}`,
    stacked(
      ['No.', 'Time (UTC)', 'Campaign, creative', 'Consent flag', 'Contract verdict', 'Counts in', 'Record'],
      e.events.map((event, i) => ({
        class: event.integrity === 'altered' ? 'row-altered' : undefined,
        id: `event-${event.seq}`,
        cells: [
          number(i + 1),
          html`<time datetime="${event.time}"
            ><span class="nowrap">${event.time.slice(0, 10)}</span> ${event.time.slice(11, 19)}</time
          >`,
          html`${campaignOf(event) || html`<span class="muted">not named</span>`}
            <span class="spans"
              >${[event.audience, event.platform].filter(Boolean).map((name, k) => html`${k > 0 && ' · '}<span class="nowrap">${name}</span>`)}</span
            >`,
          emphasized(consentOf(event), event.consent === false),
          html`${emphasized(verdictOf(event), event.failed.length > 0)} <span class="spans">${event.contract}</span>`,
          html`${event.features.map((name, k) => html`${k > 0 && ', '}<code>${name}</code>`)}`,
          html`${record(event.seq)}<br />${markOf(event.integrity)}`,
        ],
      })),
      'events',
    ),
  )
}

function emphasized(text: string, when: boolean): Html | string {
  return when ? html`<b>${text}</b>` : text
}

function origin(e: Explanation): Html {
  const { model } = e
  const metrics = Object.entries(model.metrics ?? {}).map(([name, value]) => `${name} ${number(value)}`)
  const rows = model.trainingRows === undefined ? undefined : plural(model.trainingRows, 'row')
  return section(
    'origin',
    'Where the model came from',
    undefined,
    html`<ol class="chain">
      ${link(e, 'model', 'Model', model.name, [
        model.by && `by ${model.by}`,
        model.run && `run ${model.run}`,
        metrics.join(', '),
      ])}
      ${link(e, 'training', 'Training set', model.trainingSet, [rows])} ${link(e, 'code', 'Code', model.code, [])}
    </ol>`,
  )
}

function upstream(e: Explanation): Html | undefined {
  const { lineage } = e
  if (!lineage) return undefined
  return section(
    'upstream',
    'Upstream pipelines',
    `What lies before the event streams and the training data, as its producers report it, as of record ${number(lineage.asOf)}.`,
    html`${
        lineage.notes.length > 0 &&
        html`<ul class="alerts" aria-label="What is lacking">
          ${lineage.notes.map((note) => html`<li><p>${note}</p></li>`)}
        </ul>`
      }
      <p>${markOf(lineage.sources.length > 0 ? 'asserted' : 'missing')} ${upstreamText(e)}</p>
      ${
        lineage.sources.length > 0 &&
        stacked(
          ['Source', 'Namespace', { number: 'Steps away' }],
          lineage.sources.map(({ name, namespace, depth }) => ({
            class: undefined,
            id: undefined,
            cells: [html`<code>${name}</code>`, html`<code>${namespace}</code>`, number(depth)],
          })),
        )
      }
      ${
        lineage.sourceCount > lineage.sources.length &&
        html`<p class="small muted">and ${number(lineage.sourceCount - lineage.sources.length)} more sources</p>`
      }`,
  )
}

function link(
  e: Explanation,
  subject: Claim['subject'],
  label: string,
  name: string | undefined,
  more: (string | undefined)[],
): Html {
  const about = claimsOf(e, subject)
  const truth =
    about.length > 0 ? weakest(about.map((claim) => claim.truth)) : name === undefined ? 'missing' : 'asserted'
  const notes = [...more, ...about.map(({ note }) => note)].filter(Boolean) as string[]
  return html`<li>
    <h3>${label}</h3>
    <p><b>${name ?? 'not named'}</b></p>
    ${notes.map((note) => html`<p class="small muted">${note}</p>`)}
    <p>${markOf(truth)}</p>
  </li>`
}

function claims(e: Explanation): Html {
  const order: Truth[] = ['contradicted', 'missing', 'erased', 'asserted', 'recomputed']
  const sorted = withEventsTogether(e.claims).toSorted((a, b) => order.indexOf(a.truth) - order.indexOf(b.truth))
  return section(
    'claims',
    'Every claim',
    'Truth: whether what is said holds. Integrity: whether the record behind it stands in the log as it was written.',
    stacked(
      ['Claim', 'Says', 'Truth', 'Integrity', 'Evidence'],
      sorted.map((claim) => {
        const { value, truth, integrity, by, note, records } = claim
        const { subject, name } = claimName(claim)
        return {
          class: truth === 'contradicted' || integrity === 'altered' ? 'row-contradicted' : undefined,
          id: undefined,
          cells: [
            html`${subject && html`<span class="muted">${subject}</span> `}${name}`,
            html`${value} ${note && html`<span class="spans">${note}</span>`}
            ${by && html`<span class="spans">by ${by}</span>`}`,
            markOf(truth),
            integrity === undefined ? html`<span class="muted">no record</span>` : markOf(integrity),
            evidenceOf(records),
          ],
        }
      }),
    ),
  )
}

function evidenceOf(records: number[]): Html | string {
  if (records.length === 0) return ''
  const shown = records.slice(0, 6)
  return html`<ul class="references">
    ${shown.map((seq) => html`<li>${record(seq)}</li>`)}
    ${records.length > shown.length && html`<li class="muted">+ ${records.length - shown.length}</li>`}
  </ul>`
}

function evidence(e: Explanation): Html {
  const altered = e.records.filter(({ integrity }) => integrity === 'altered').length
  const { origin: log, size, root } = e.checkpoint
  return section(
    'evidence',
    'Evidence',
    undefined,
    html`<details>
      <summary>
        ${plural(e.records.length, 'record')} under one checkpoint
        <span class="muted">(${altered === 0 ? 'all intact' : `${number(altered)} altered`}, ${anchorText(e)})</span>
      </summary>
      <dl class="checkpoint small">
        <dt>Log</dt>
        <dd>${log}</dd>
        <dt>Checkpoint</dt>
        <dd>${plural(size, 'record')}</dd>
        <dt>Root</dt>
        <dd class="hash">${root}</dd>
        <dt>Anchored</dt>
        <dd>${anchorText(e)}</dd>
      </dl>
      ${stacked(
        ['Record', 'Kind', 'Recorded (UTC)', 'Key', 'Leaf hash', 'Integrity'],
        e.records.map(({ seq, kind, leaf, recorded, actor, integrity, problem }) => ({
          class: integrity === 'altered' ? 'row-altered' : undefined,
          id: `record-${seq}`,
          cells: [
            number(seq),
            kind,
            html`<span class="nowrap">${recorded.replace('T', ' ').replace(/(\.\d{1,3})\d*Z$/, '$1')}</span>`,
            html`<span class="nowrap">${actor}</span>`,
            html`<span class="hash">${leaf}</span>`,
            html`${markOf(integrity)} ${problem && html`<span class="spans">${problem}</span>`}`,
          ],
        })),
      )}
      <div class="notes small">
        <p>To check this without the server that wrote it, write the proofs to a file and verify that file:</p>
        <pre>
whence explain ${shellWord(e.id)} --proof proof.txt
whence verify proof.txt</pre>
      </div>
    </details>`,
  )
}

function footer(e: Explanation): Html {
  const meaning: [Mark, string][] = [
    ['recomputed', 'derived again from the records behind it, with the same result'],
    ['asserted', 'said by the producer named; it could not be derived again'],
    ['contradicted', 'derived again, with another result'],
    ['missing', 'nothing is known of it'],
    ['erased', 'once known, made unreadable at the person’s request or by retention'],
    ['intact', 'the record is in the log, byte for byte as it was written'],
    ['altered', 'it is not'],
  ]
  return html`<footer>
    <section aria-labelledby="legend">
      <h2 id="legend">What the marks mean</h2>
      <dl class="legend">
        ${meaning.map(
          ([mark, text]) =>
            html`<dt>${markOf(mark)}</dt>
              <dd>${text}</dd>`,
        )}
      </dl>
      <div class="notes small muted">
        <p>
          This page reports recorded evidence as of record ${number(e.asOf)}. It judges neither the decision nor the
          rules that apply to it. “Recorded” times are the clock of the server that kept the log.
        </p>
        ${!e.anchored && html`<p>The log is ${notAnchored}: nobody else holds a checkpoint that would show a rewriting of it.</p>`}
      </div>
    </section>
  </footer>`
}

function section(id: string, title: string, lead: string | undefined, body: Html): Html {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${lead && html`<p class="lead">${lead}</p>`} ${body}
  </section>`
}

type Head = string | { number: string }
type Row = { id: string | undefined; class: string | undefined; cells: (Html | string)[] }

/** A table that becomes a list of cards on a narrow screen; the roles keep it a table for those who hear it. */
function stacked(heads: Head[], rows: Row[], name = ''): Html {
  const columns = heads.map((head) =>
    typeof head === 'string' ? { label: head, class: undefined } : { label: head.number, class: 'number' },
  )
  return html`<table class="stacked ${name}" role="table">
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(({ label, class: of }) => html`<th scope="col" role="columnheader" class="${of}">${label}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(({ id, class: of, cells }) => {
        const attributes = html`${id && html` id="${id}"`}${of && html` class="${of}"`}`
        return html`<tr role="row" ${attributes}>
          ${cells.map((cell, i) => {
            const column = columns[i]!
            if (i === 0) return html`<th scope="row" role="rowheader">${cell}</th>`
            const empty = cell === '' && ' data-empty'
            return html`<td role="cell" class="${column.class}" data-label="${column.label}" ${empty}>
              <div>${cell}</div>
            </td>`
          })}
        </tr>`
      })}
    </tbody>
  </table>`
}

function record(seq: number): Html {
  return html`<a href="#record-${seq}">${number(seq)}</a>`
}

function moment(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`
}

function anchorText({ anchored }: Explanation): string {
  if (!anchored) return notAnchored
  return `anchored ${anchored.time.slice(0, 10)} at ${anchored.where}, up to record ${number(anchored.size)}`
}

function shellWord(word: string): string {
  return /^[\w.:@/-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
