import type { Explanation, Truth } from '@whence/sdk'
import { changeText, decisionText, limitsOf, steadyText } from './counterfactual.ts'
import {
  approvalText,
  badNews,
  campaignOf,
  campaignsOf,
  claimsOf,
  consentOf,
  countsText,
  differing,
  inputValue,
  integrityText,
  notAnchored,
  signed,
  upstreamText,
  valueText,
  verdictOf,
  weakest,
} from './explanation.ts'
import { number, pad, paint, plural, printable, table, width, wrap, type Paint } from './text.ts'

/**
 * An explanation for a terminal: what is contradicted, altered or erased first, then a plain sentence, what is missing,
 * and the evidence, each line with its mark. `events` lists every event; `width` is the terminal's, in columns.
 */
export function explanationText(
  explanation: Explanation,
  options: { color?: boolean; events?: boolean; width?: number } = {},
): string {
  const { color = false, events = false } = options
  const columns = Math.max(60, Math.min(options.width ?? 100, 120))
  const e = printable(explanation)
  const brush = paint(color)
  const rows = [
    scoreRow(e, brush),
    reasonsRow(e, brush),
    ...inputRows(e, events, brush),
    ...whatIfRows(e, brush),
    ...originRows(e, brush),
  ]
  return [
    ...headline(e, columns, brush),
    '',
    table(rows, { indent: '  ', columns }),
    '',
    ...(events && e.events.length > 0 ? [eventsTable(e, columns, brush), ''] : []),
    ...footer(e, columns),
    '',
  ].join('\n')
}

function headline(e: Explanation, columns: number, brush: Paint): string[] {
  const news = badNews(e)
  const first = news.filter(({ mark }) => mark === 'altered' || mark === 'contradicted' || mark === 'erased')
  const missing = news.filter(({ mark }) => mark === 'missing')
  const other = news.filter((item) => !first.includes(item) && !missing.includes(item))
  const labels = first.map(({ mark, text }, i) => {
    const label = mark === first[i - 1]?.mark ? '' : mark.toUpperCase()
    const colour = mark === 'erased' ? brush.yellow : (label: string) => brush.bold(brush.red(label))
    const indent = ' '.repeat(15)
    return colour(pad(label, 15)) + wrap(text, columns - 15, indent)
  })
  const lacks =
    missing.length === 0
      ? []
      : [wrap(`${plural(missing.length, 'thing is', 'things are')} missing: ${list(missing)}`, columns)]
  return [
    ...labels,
    ...(labels.length > 0 ? [''] : []),
    brush.bold(wrap(e.sentence, columns)),
    ...lacks.map(brush.yellow),
    ...other.map(({ text }) => wrap(text, columns)),
  ]
}

function list(items: { text: string }[]): string {
  const plain = items.map(({ text }) => text.replace(/\.$/, ''))
  return (
    plain.map((text) => text.replace(/^(No|The|A|An|There|It|This)\b/, (word) => word.toLowerCase())).join('; ') + '.'
  )
}

function scoreRow(e: Explanation, brush: Paint): string[] {
  const { stored, recomputed, truth } = e.score
  const label = `score ${stored?.toFixed(4) ?? recomputed?.toFixed(4) ?? ''}`.trimEnd()
  const purpose = campaignOf(e.about ?? {})
  const again = truth === 'contradicted' && recomputed !== undefined ? `recomputed ${recomputed.toFixed(4)}, ` : ''
  return [
    label,
    mark(truth, brush),
    `${again}model ${e.model.name}, ${e.time.slice(0, 10)}${purpose && `, for ${purpose}`}`,
  ]
}

function reasonsRow(e: Explanation, brush: Paint): string[] {
  if (e.score.truth === 'erased') return ['reasons', mark('erased', brush), '']
  if (e.reasons.length === 0) return ['reasons', mark('missing', brush), 'none are known']
  const shown = e.reasons.slice(0, 5).map(({ feature, contribution }) => `${feature} ${signed(contribution)}`)
  if (e.reasons.length > 5) shown.push(`${e.reasons.length - 5} more`)
  return ['reasons', mark(weakest(e.reasons.map(({ truth }) => truth)), brush), shown.join(' · ')]
}

function inputRows(e: Explanation, listed: boolean, brush: Paint): string[][] {
  const [claim] = claimsOf(e, 'snapshot')
  const from = e.snapshot
    ? `${e.snapshot.view}, snapshot ${number(e.snapshot.id)}, at ${e.snapshot.at.slice(0, 19)}Z`
    : 'no feature snapshot is named'
  const events = new Map(e.events.map((event) => [event.seq, event]))
  const nameWidth = Math.max(0, ...e.inputs.map(({ name }) => width(name)))
  const valueWidth = Math.max(0, ...e.inputs.map((input) => width(valueText(inputValue(input)))))
  const eventsWidth = Math.max(0, ...e.inputs.map((input) => plural(input.events.length, 'event').length))
  const rows = e.inputs.map((input) => {
    const behind = input.events.flatMap((seq) => events.get(seq) ?? [])
    const parts = [
      differing(input),
      input.truth === 'erased' ? '' : pad(plural(input.events.length, 'event'), eventsWidth),
      behind.length > 0 ? campaignsOf(behind) : '',
      input.note ?? '',
    ]
    const label = `  ${pad(input.name, nameWidth)}   ${pad(valueText(inputValue(input)), valueWidth, 'right')}`
    return [label, mark(input.truth, brush), parts.filter(Boolean).join('   ')]
  })
  const hint =
    e.events.length > 0 && !listed
      ? [
          [
            '',
            '',
            brush.dim(`--events lists all ${e.events.length} with campaign, creative, consent flag, contract verdict`),
          ],
        ]
      : []
  return [['inputs', claim ? mark(claim.truth, brush) : '', from], ...rows, ...hint]
}

/** Which input, changed alone, would have changed the decision. */
function whatIfRows({ counterfactual }: Explanation, brush: Paint): string[][] {
  if (!counterfactual) return []
  const { changes } = counterfactual
  const shown = changes.slice(0, 3).map(changeText)
  if (changes.length > 3) shown.push(`${changes.length - 3} more`)
  return [
    ['decision', mark('recomputed', brush), decisionText(counterfactual)],
    ...(shown.length > 0 ? [['  would change it', mark('recomputed', brush), shown.join(' · ')]] : []),
    ...(changes.length === 0 ? [['', '', steadyText(counterfactual)]] : []),
    ['', '', brush.dim(limitsOf(counterfactual))],
  ]
}

function originRows(e: Explanation, brush: Paint): string[][] {
  const { model } = e
  const metrics = Object.entries(model.metrics ?? {}).map(([name, value]) => `${name} ${number(value)}`)
  const parts = [model.run && `run ${model.run}`, ...metrics.slice(0, 3)].filter(Boolean)
  const modelText = `${model.by ? `by ${model.by}: ` : ''}${parts.join(', ') || model.name}`
  const training = model.trainingSet
    ? `${model.trainingSet}${model.trainingRows === undefined ? '' : `, ${plural(model.trainingRows, 'row')}`}`
    : ''
  const row = (label: string, subject: 'model' | 'training' | 'code', text: string) => {
    const claims = claimsOf(e, subject)
    if (claims.length === 0) return []
    const notes = claims.flatMap(({ note }) => note ?? [])
    return [
      [label, mark(weakest(claims.map(({ truth }) => truth)), brush), [text, ...notes].filter(Boolean).join('; ')],
    ]
  }
  return [
    ...row('model', 'model', modelText),
    ...row('training set', 'training', training),
    ...row('code', 'code', model.code ?? 'not named'),
    ...approvalRows(e, brush),
    ...upstreamRow(e, brush),
    ...claimsOf(e, 'consent').map(({ name, truth, value, note }) => [
      'consent',
      mark(truth, brush),
      [name === 'consent' ? value : `${name}: ${value}`, note].filter(Boolean).join('; '),
    ]),
  ]
}

/** None is said too, where the model is known: nobody should take silence for consent. */
function approvalRows({ model }: Explanation, brush: Paint): string[][] {
  const { approvals } = model
  if (approvals === undefined) return []
  if (approvals.length === 0) return [['approvals', mark('missing', brush), 'none is on record']]
  return approvals.map((each, i) => [i === 0 ? 'approvals' : '', mark(each.truth, brush), approvalText(each)])
}

/** What producers say of their pipelines is their word. */
function upstreamRow(e: Explanation, brush: Paint): string[][] {
  const text = upstreamText(e)
  if (text === undefined || !e.lineage) return []
  const truth = e.lineage.sources.length > 0 ? 'asserted' : 'missing'
  return [
    ['upstream', mark(truth, brush), [...e.lineage.notes.map((note) => note.replace(/\.$/, '')), text].join('; ')],
  ]
}

function eventsTable(e: Explanation, columns: number, brush: Paint): string {
  const head = ['record', 'time', 'campaign', 'consent', 'contract', 'for'].map(brush.dim)
  const rows = e.events.map((event) => [
    number(event.seq),
    `${event.time.slice(0, 19)}Z`,
    campaignOf(event),
    consentOf(event),
    verdictOf(event),
    event.features.join(', ') + (event.integrity === 'altered' ? brush.red('   ALTERED') : ''),
  ])
  const asserted = e.events.filter(({ knownAsserted }) => knownAsserted).length
  const note =
    asserted > 0 ? `\n  when they became known is asserted by their source for ${asserted} of ${e.events.length}` : ''
  return table([head, ...rows], { right: [0], indent: '  ', columns: Math.max(columns, 120) }) + note
}

function footer(e: Explanation, columns: number): string[] {
  const { anchored } = e
  const kept = anchored
    ? `anchored ${anchored.time.slice(0, 10)} at ${anchored.where}, up to record ${number(anchored.size)}`
    : notAnchored
  const id = /^[\w.:@/-]+$/.test(e.id) ? e.id : `'${e.id.replaceAll("'", String.raw`'\''`)}'`
  return [
    `  ${wrap(`${countsText(e)}.  ${integrityText(e)}, ${kept}.`, columns - 2, '  ')}`,
    `  as of record ${number(e.asOf)} · evidence: whence explain ${id} --proof proof.txt`,
  ]
}

function mark(truth: Truth, brush: Paint): string {
  const colours: Record<Truth, (text: string) => string> = {
    recomputed: brush.green,
    asserted: brush.cyan,
    contradicted: (text) => brush.bold(brush.red(text)),
    missing: brush.yellow,
    erased: brush.yellow,
  }
  return colours[truth](truth)
}
