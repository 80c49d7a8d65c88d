// The explanation of an action for a terminal: the bad news first, then from the message back to what it came from.
import type { ActionExplanation } from '@whence/sdk'
import { number, paint, plural, printable, table } from './text.ts'
import { tokens } from './trace-text.ts'

export function actionText(given: ActionExplanation, { color, width }: { color: boolean; width: number }): string {
  const told = printable(given)
  const { bold, dim, green, red, yellow } = paint(color)
  const mark = { pass: green('pass'), hold: yellow('hold'), refuse: red('refuse') }
  const rows = (items: readonly (readonly string[])[]): string =>
    items.length === 0
      ? ''
      : `${table(
          items.map((item) => [...item]),
          { indent: '  ', columns: width },
        )}\n`
  const about: [string, string | undefined][] = [
    ['action', `${told.id}   record ${number(told.seq)}   ${short(told.time)}`],
    ['by', `${told.actor.type} ${told.actor.id}${told.actor.configuration ? `, ${told.actor.configuration}` : ''}`],
    ['model', told.model && [told.model.name, told.model.version, told.model.provider].filter(Boolean).join(' ')],
    ['prompt', promptOf(told.prompt)],
    ['campaign', [told.campaign, told.creative, told.channel].filter(Boolean).join(' · ') || undefined],
    ['purpose', told.purpose],
    ['statement', told.statement],
    ['asserted', assertedOf(told.asserted)],
  ]
  const parts = [
    `${bold(told.sentence)}\n`,
    told.alerts.map((alert) => `${red('!')} ${alert}\n`).join(''),
    '\n',
    rows(about.flatMap(([label, value]) => (value === undefined ? [] : [[dim(label), value]]))),
    ...told.copy.map(({ part, masked }) => `  ${dim(part)}  ${masked.split('\n').join('\n    ')}\n`),
    `\n${bold('gates')}\n`,
    rows(
      told.verdicts.map(({ gate, outcome, shadow, policy, findings }) => [
        mark[outcome],
        shadow ? `${gate} (in shadow)` : gate,
        dim(policy),
        findings.map(({ message }) => message).join('; '),
      ]),
    ),
    consentOf(told, { green, red, dim }),
    told.reviews.length === 0 ? '' : `\n${bold('reviews')}\n`,
    rows(
      told.reviews.map(({ at, step, by, decision, note }) => [dim(short(at)), step, by, decision ?? '', note ?? '']),
    ),
    told.claims.length === 0 && !told.withdrawal ? '' : `\n${bold('what became of it')}\n`,
    rows([...told.claims.flatMap(claimRows), ...withdrawalRows(told)].map(([at, ...rest]) => [dim(at!), ...rest])),
    told.outcomes.length === 0 ? '' : `\n${bold('what came of it')}\n`,
    rows(told.outcomes.slice(-MOST_OUTCOMES).map((one) => outcomeRow(one, dim))),
    told.outcomes.length > MOST_OUTCOMES ? `  and ${number(told.outcomes.length - MOST_OUTCOMES)} before these\n` : '',
    told.predictions.length === 0 ? '' : `\n${bold('made from')}\n`,
    ...told.predictions.map((one) => predictionText(one, { dim, red })),
    told.traces.length === 0 ? '' : `\n${bold('traced')}\n`,
    ...told.traces.map((one) => traceLines(one, { dim, red, green })),
    `\n  ${plural(told.records.length, 'record')}, ${told.integrity === 'intact' ? 'all intact' : red('altered')}, as of record ${number(told.asOf)}\n`,
  ]
  return parts.join('')
}

type Brush = (text: string) => string

function promptOf(prompt: ActionExplanation['prompt']): string | undefined {
  if (prompt === undefined) return undefined
  const name = [prompt.template, prompt.version].filter(Boolean).join(' ')
  return [name, prompt.sha256 && `sha256 ${prompt.sha256.slice(0, 12)}…`].filter(Boolean).join('   ')
}

/** The proposer's own word, which nobody looked into. */
function assertedOf(asserted: ActionExplanation['asserted']): string | undefined {
  if (asserted === undefined) return undefined
  const { consent, piiDetected, prohibitedTerms, provModel, signature, signatureKeyId } = asserted
  const told = [
    consent?.receipt && `consent receipt ${consent.receipt}${consent.version ? ` version ${consent.version}` : ''}`,
    consent?.optOut === undefined ? '' : consent.optOut ? 'opted out' : 'not opted out',
    piiDetected === undefined ? '' : piiDetected ? 'personal data found' : 'no personal data found',
    prohibitedTerms && plural(prohibitedTerms.length, 'prohibited term'),
    provModel && `provenance ${provModel}`,
    signature && `a signature${signatureKeyId ? ` by key ${signatureKeyId}` : ''}, not verified`,
  ].filter(Boolean)
  return `${told.join(' · ')} (by its proposer)`
}

function consentOf(
  { verdicts, consentNow }: ActionExplanation,
  { green, red, dim }: Record<'green' | 'red' | 'dim', Brush>,
): string {
  if (!consentNow) return ''
  const { receipt } = (verdicts[0]?.inputs ?? {}) as { receipt?: { id: string; version: string; seq: number } }
  const then = receipt ? `then: receipt ${receipt.id} version ${receipt.version}, record ${number(receipt.seq)}; ` : ''
  const now = consentNow.allowed ? green('allowed') : red('not allowed')
  return `  ${dim('consent')}  ${then}now: ${now}, ${consentNow.reason}\n`
}

function claimRows({ at, by, until, delivery }: ActionExplanation['claims'][number]): string[][] {
  const claimed = [short(at), `given to ${by}`, `until ${short(until)}`]
  if (!delivery) return [claimed]
  const late = delivery.late ? ', after its lease' : ''
  const withdrawn =
    delivery.withdrawn === undefined ? '' : `, withdrawn meanwhile in record ${number(delivery.withdrawn)}`
  return [claimed, [short(delivery.at), delivery.status, `${delivery.reason ?? ''}${late}${withdrawn}`]]
}

/** Of a message that was opened a thousand times, the latest are shown. */
const MOST_OUTCOMES = 20

function outcomeRow(
  { time, type, provider, webhook, seq, late, tie }: ActionExplanation['outcomes'][number],
  dim: Brush,
): string[] {
  const how = tie === 'message' ? '' : `, tied by the ${tie}`
  return [
    dim(short(time)),
    type,
    `${provider}${webhook === undefined ? '' : ` ${webhook}`}, record ${number(seq)}${how}${late ? ', told late' : ''}`,
  ]
}

function withdrawalRows({ withdrawal }: ActionExplanation): string[][] {
  if (!withdrawal) return []
  const { recorded, what, seq, found, suppressionMs } = withdrawal
  const how =
    found === 'queued'
      ? `suppressed${suppressionMs === undefined ? '' : ` ${suppressionMs.toFixed(1)} ms after the time they named`}`
      : `it was ${found} already`
  return [[short(recorded), `the person ${what}, record ${number(seq)}`, how]]
}

function predictionText(
  one: ActionExplanation['predictions'][number],
  { dim, red }: Record<'dim' | 'red', Brush>,
): string {
  if (!one.found) return `  ${one.id}  ${red(one.problem ?? 'not known')}\n`
  const score = one.score === undefined ? '' : ` ${one.score.toFixed(4)} ${one.truth}`
  const from = [
    one.events === undefined ? '' : plural(one.events, 'event'),
    one.campaigns?.length ? `of ${one.campaigns.join(', ')}` : '',
    one.upstream?.length ? `upstream ${one.upstream.join(', ')}` : '',
  ].filter(Boolean)
  return `  ${one.id}${score}  ${dim(one.model ?? '')}\n    ${one.sentence ?? ''}\n    ${from.join(' · ')}\n`
}

/** What spans say, as whoever sent them has it; `whence traces show` has the whole tree. */
function traceLines(
  { trace, spans, more, said, held }: ActionExplanation['traces'][number],
  { dim, red, green }: Record<'dim' | 'red' | 'green', Brush>,
): string {
  const { model, tools, usage, evaluations } = said
  const about = [
    model && [model.name, model.version, model.provider].filter(Boolean).join(' '),
    tokens(usage),
    tools.length > 0 && `tools ${tools.map(({ name = '(no name)' }) => name).join(', ')}`,
    ...evaluations.map(({ name = '?', score, label }) =>
      ['evaluated', name, score, label].filter((part) => part !== undefined).join(' '),
    ),
  ].filter(Boolean)
  const agrees = held.map((one) => (one.agrees ? green(one.what) : red(`another ${one.what}`)))
  return [
    `  ${trace}  ${dim(`${plural(spans, 'span')}${more ? ' and more' : ''}, asserted`)}\n`,
    about.length === 0 ? '' : `    ${about.join(' · ')}\n`,
    agrees.length === 0 ? '' : `    as in the proposal: ${agrees.join(', ')}\n`,
  ].join('')
}

/** A time to the second. */
function short(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}
