import type { Claim, ContributingEvent, ExplainedInput, Explanation, FeatureValue, Truth } from '@whence/sdk'
import { decisionText, limitsOf, steadyText } from './counterfactual.ts'
import { anchorText, claims, evidence, footer, moment, record } from './explanation-evidence.ts'
import {
  approvalText,
  badNews,
  campaignOf,
  campaignsOf,
  claimsOf,
  consentOf,
  integrityText,
  signed,
  upstreamText,
  valueText,
  verdictOf,
  weakest,
} from './explanation.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { icons, markOf } from './marks.ts'
import type { Mark } from './marks.ts'
import { fact, page, section, stacked } from './page.ts'
import { number, plural, printable } from './text.ts'

/**
 * An explanation as one HTML page that needs nothing else: no script, no address elsewhere. What is wrong comes first,
 * then the plain sentence, the decision, its reasons, inputs and events, where the model came from, every claim with its
 * two marks, and folded up, the records to check it by.
 */
export function explanationPage(explanation: Explanation): string {
  const e = printable(explanation)
  return page({
    title: `Explanation of ${e.id}`,
    printed: 'Whence, explanation of a prediction',
    body: html`
      ${icons} ${header(e)}
      <main id="main">
        ${decision(e)} ${reasons(e)} ${whatIf(e)} ${inputs(e)} ${events(e)} ${origin(e)} ${upstream(e)} ${claims(e)}
        ${evidence(e)}
      </main>
      ${footer(e)}
    `,
  })
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
    e.reasons.every(({ truth }) => truth === 'asserted')
      ? 'What each feature added to the score or took from it, as the producer says.'
      : 'What each feature added to the score or took from it, in log-odds, measured from an average row.',
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

/** Which input, changed alone, would have changed the decision. */
function whatIf({ counterfactual }: Explanation): Html | undefined {
  if (!counterfactual) return undefined
  const { changes } = counterfactual
  const steady = steadyText(counterfactual)
  return section(
    'what-if',
    'What would have changed it',
    `The decision is ${decisionText(counterfactual)}.`,
    html`${
        changes.length > 0 &&
        html`<table>
          <thead>
            <tr>
              <th scope="col">Input</th>
              <th scope="col">Value</th>
              <th scope="col">Nearest that changes it</th>
              <th scope="col">Score then</th>
              <th scope="col">Truth</th>
            </tr>
          </thead>
          <tbody>
            ${changes.map(
              ({ feature, from, to, score }) =>
                html`<tr>
                  <th scope="row"><code>${feature}</code></th>
                  <td class="number">${valueText(from)}</td>
                  <td class="number">${valueText(to)}</td>
                  <td class="number">${score.toFixed(4)}</td>
                  <td class="truth">${markOf('recomputed')}</td>
                </tr>`,
            )}
          </tbody>
        </table>`
      }
      ${steady && html`<p>${steady.replace(/^./, (letter) => letter.toUpperCase())}.</p>`}
      <p class="muted">${limitsOf(counterfactual).replace(/^./, (letter) => letter.toUpperCase())}.</p>`,
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
      ${approvalsOf(e)}
    </ol>`,
  )
}

function approvalsOf({ model }: Explanation): Html | undefined {
  const { approvals } = model
  if (approvals === undefined) return undefined
  return html`<li>
    <h3>Approvals</h3>
    ${
      approvals.length === 0
        ? html`<p>${markOf('missing')} None is on record.</p>`
        : approvals.map((each) => html`<p>${markOf(each.truth)} ${approvalText(each)}</p>`)
    }
  </li>`
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
