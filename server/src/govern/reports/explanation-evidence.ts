// The end of the page: every claim with its two marks, the records to check it by, and how.
import type { Explanation, Truth } from '@whence/sdk'
import { claimName, notAnchored, withEventsTogether } from './explanation.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { markOf } from './marks.ts'
import type { Mark } from './marks.ts'
import { section, stacked } from './page.ts'
import { number, plural } from './text.ts'

export function claims(e: Explanation): Html {
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

export function evidence(e: Explanation): Html {
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

export function footer(e: Explanation): Html {
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

export function record(seq: number): Html {
  return html`<a href="#record-${seq}">${number(seq)}</a>`
}

export function moment(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`
}

export function anchorText({ anchored }: Explanation): string {
  if (!anchored) return notAnchored
  return `anchored ${anchored.time.slice(0, 10)} at ${anchored.where}, up to record ${number(anchored.size)}`
}

function shellWord(word: string): string {
  return /^[\w.:@/-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
