// The report of a rollback as Markdown and as one HTML page: for somebody who was not there, and who wants the evidence.
import type { RollbackReport } from '@whence/sdk'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { fact, page, section, stacked } from './page.ts'
import { predictedText } from './rollback-text.ts'
import { number, printable } from './text.ts'

const parts = [
  ['What was stopped', 'stopped'],
  ['What was reverted', 'reverted'],
  ['What was made good', 'compensated'],
  ['What remains', 'remains'],
  ['What people do now', 'follows'],
] as const

/** Seconds, as people say them. */
export function lasted(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(1)} h`
  return `${Math.round(seconds / 86_400)} days`
}

const times = [
  ['From the first decision to the alarm', 'toNotice'],
  ['To trace it', 'toTrace'],
  ['To suppression', 'toSuppression'],
  ['To the end of the rollback', 'toRollback'],
] as const

export function rollbackMarkdown(report: RollbackReport): string {
  const one = printable(report)
  const lines = [
    '# Rollback report',
    '',
    one.sentence,
    '',
    `Noticed ${one.noticed}`,
    '',
    `Reason given: ${one.reason}`,
    '',
    '| time | |',
    '| --- | --- |',
    ...times.flatMap(([label, key]) =>
      one.times[key] === undefined ? [] : [`| ${label} | ${lasted(one.times[key])} |`],
    ),
    '',
    '## Who was concerned',
    '',
    '| state | decisions | people | now | what can be done |',
    '| --- | --- | --- | --- | --- |',
    ...rowsOf(one).map((cells) => `| ${cells.map(cell).join(' | ')} |`),
    '',
    ...outcomeLines(one).map((line) => `- ${line}`),
  ]
  for (const [title, key] of parts)
    if (one[key].length > 0) lines.push('', `## ${title}`, '', ...one[key].map((line) => `- ${line}`))
  lines.push(
    '',
    '## Evidence',
    '',
    '| recorded | what | record | integrity |',
    '| --- | --- | --- | --- |',
    ...one.timeline.map(
      ({ at, what, seq, kind, integrity }) => `| ${[at, what, `${seq} (${kind})`, integrity].map(cell).join(' | ')} |`,
    ),
    '',
    'Each record can be proved against the signed checkpoint of the log (`whence verify`):',
    '',
    '```',
    report.checkpoint.trimEnd(),
    '```',
    '',
    `Rollback \`${one.id}\`, as of record ${number(one.asOf)}.`,
    '',
  )
  return lines.join('\n')
}

export function rollbackPage(report: RollbackReport): string {
  const one = printable(report)
  return page({
    title: 'Rollback report',
    printed: 'Whence, rollback report',
    body: html`
      <header>
        <a class="skip" href="#main">Skip to what was done</a>
        <h1>Whence: rollback report</h1>
        ${
          one.remains.length > 0 &&
          html`<ul class="alerts" aria-label="What remains">
            ${one.remains.map((line) => html`<li><p>${line}</p></li>`)}
          </ul>`
        }
        <p class="sentence">${one.sentence}</p>
        <p>Noticed ${one.noticed}</p>
        <p>Reason given: ${one.reason}</p>
        <dl class="facts">${times.map(([label, key]) => fact(label, lasted(one.times[key])))}</dl>
      </header>
      <main id="main">
        ${section(
          'concerned',
          'Who was concerned',
          undefined,
          html`${stacked(
            ['State', { number: 'Decisions' }, { number: 'People' }, { number: 'Now' }, 'What can be done'],
            rowsOf(one).map((cells) => ({ id: undefined, class: undefined, cells })),
          )}
          ${list(outcomeLines(one))}`,
        )}
        ${parts
          .filter(([, key]) => key !== 'remains' && one[key].length > 0)
          .map(([title, key]) => section(key, title, undefined, list(one[key])))}
        ${section(
          'evidence',
          'Evidence',
          'Every line rests on a record of the log, in its order.',
          stacked(
            ['Recorded', 'What', { number: 'Record' }, 'Integrity'],
            one.timeline.map(({ at, what, seq, kind, integrity }) => ({
              id: undefined,
              class: undefined,
              cells: [at, what, `${number(seq)} (${kind})`, integrity],
            })),
          ),
        )}
      </main>
      <footer>
        <section>
          <div class="notes small muted">
            <p>
              Rollback ${one.id}, as of record ${number(one.asOf)}. Each record can be proved against this checkpoint:
            </p>
            <pre>${report.checkpoint}</pre>
          </div>
        </section>
      </footer>
    `,
  })
}

function rowsOf({ scope, now }: RollbackReport): string[][] {
  const states = new Set([...scope.groups, ...now.groups].map(({ state }) => state))
  return [...states].map((state) => {
    const then = scope.groups.find((one) => one.state === state)
    const later = now.groups.find((one) => one.state === state)
    return [
      state,
      number(then?.actions ?? 0),
      number(then?.people ?? 0),
      number(later?.actions ?? 0),
      (then ?? later)!.remedy,
    ]
  })
}

function outcomeLines({ now }: RollbackReport): string[] {
  const { allowed, ended } = now.consent
  return [
    ...(now.predictions.predictions > 0 ? [predictedText(now.predictions)] : []),
    ...Object.entries(now.outcomes).map(
      ([type, { actions, people }]) => `${type}: ${number(actions)}, ${number(people)} people`,
    ),
    ...(allowed + ended > 0
      ? [`of those who were reached ${number(allowed)} may still be written to for it, ${number(ended)} may not`]
      : []),
  ]
}

function list(lines: readonly string[]): Html {
  return html`<ul>
    ${lines.map((line) => html`<li>${line}</li>`)}
  </ul>`
}

/** A cell of a Markdown table. */
function cell(text: string): string {
  return text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ')
}
