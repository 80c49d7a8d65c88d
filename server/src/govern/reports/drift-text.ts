// Drift as text for a terminal, and as Markdown.
import type { Drift, DriftedFeature, DriftVerdict } from '@whence/sdk'
import { markdownTable } from './replay-text.ts'
import { number, paint, plural, printable, table } from './text.ts'

type Compared = Omit<DriftedFeature, 'bins'>

export function driftText(given: Drift, { color, width }: { color: boolean; width: number }): string {
  const drift = printable(given)
  const { green, red, yellow, bold, dim } = paint(color)
  const painted = (verdict: DriftVerdict): string =>
    verdict === 'drifted'
      ? red(verdict)
      : verdict === 'watch'
        ? yellow(verdict)
        : verdict === 'stable'
          ? green(verdict)
          : dim(verdict)
  const lines = [
    `${mark(drift.verdict, { green, red, yellow })} ${bold(headline(drift))}`,
    ...scope(drift).map((line) => `  ${line}`),
  ]
  const rows = ranked(drift).map((feature) => [
    feature.name,
    index(feature.psi),
    index(feature.noise),
    index(feature.js),
    painted(feature.verdict),
    moved(feature),
  ])
  const head = ['', 'PSI', 'noise', 'JS (bits)', '', 'most moved: training → serving'].map(dim)
  if (rows.length > 0) lines.push('', table([head, ...rows], { right: [1, 2, 3], indent: '  ', columns: width }))
  for (const { key, rows: count, verdict, features, score } of drift.groups ?? []) {
    const name = Object.entries(key)
      .map(([which, what]) => `${which} ${what}`)
      .join(', ')
    const worst = gravest([...features, ...(score ? [score] : [])])
    lines.push(
      `  ${name}: ${plural(count, 'row')}, ${painted(verdict)}${worst ? `; ${worst.name} ${index(worst.psi)} (noise ${index(worst.noise)})` : ''}`,
    )
  }
  for (const note of notes(drift)) lines.push(`  ${note}`)
  return `${lines.join('\n')}\n`
}

export function driftMarkdown(given: Drift, { met }: { met: boolean }): string {
  const drift = printable(given)
  const lines = [`### ${met ? '✅' : '❌'} Drift: ${headline(drift)}`, '', `${scope(drift).join('; ')}.`, '']
  lines.push(
    ...markdownTable(
      ['feature', 'PSI', 'noise', 'JS (bits)', 'verdict', 'most moved: training → serving'],
      ranked(drift).map((feature) => [
        feature.name,
        index(feature.psi),
        index(feature.noise),
        index(feature.js),
        feature.verdict,
        moved(feature),
      ]),
    ),
  )
  if (drift.groups && drift.groups.length > 0)
    lines.push(
      '',
      ...markdownTable(
        [...Object.keys(drift.groups[0]!.key), 'rows', 'verdict', 'gravest'],
        drift.groups.map(({ key, rows, verdict, features, score }) => {
          const worst = gravest([...features, ...(score ? [score] : [])])
          return [...Object.values(key), number(rows), verdict, worst ? `${worst.name} ${index(worst.psi)}` : '']
        }),
      ),
    )
  for (const note of notes(drift)) lines.push('', `${note}.`)
  return `${lines.join('\n')}\n`
}

function mark(
  verdict: DriftVerdict,
  { green, red, yellow }: Record<'green' | 'red' | 'yellow', (text: string) => string>,
): string {
  if (verdict === 'drifted') return red('✗')
  return verdict === 'stable' ? green('✓') : yellow('!')
}

function headline({ verdict, features, score }: Drift): string {
  const all = [...features, ...(score ? [score] : [])]
  const count = (which: DriftVerdict): number => all.filter((one) => one.verdict === which).length
  const what = (n: number): string => `${number(n)} of ${number(all.length)}`
  switch (verdict) {
    case 'drifted':
      return `${what(count('drifted'))} features have drifted`
    case 'watch':
      return `${what(count('watch'))} features are to be watched`
    case 'stable':
      return `none of ${plural(all.length, 'feature')} has drifted`
    case 'too few':
      return all.length === 0
        ? 'nothing could be compared'
        : `too few rows to say for ${what(count('too few'))} features`
  }
}

function scope({
  reference,
  serving,
  model,
  asOf,
  thresholds: { watch, drifted, least, maxJs },
  smoothing,
}: Drift): string[] {
  return [
    `${reference.what} ${reference.name} (${plural(reference.rows, 'row')}) against ${serving.name} (${plural(serving.rows, 'row')})${model && serving.what === 'snapshot' ? `, scores by ${model}` : ''}, as of record ${number(asOf)}`,
    `watched from PSI ${watch}, drifted from ${drifted}${maxJs === undefined ? '' : ` or ${maxJs} bits`}: rules of thumb; at least ${plural(least, 'row')}; ${smoothing} added to each bin`,
  ]
}

function notes({ reference, serving, onlyReference, onlyServing, noScore }: Drift): string[] {
  const found: string[] = []
  const erased = reference.erased + serving.erased
  if (erased > 0) found.push(`${plural(erased, 'row')} not compared: erased on request`)
  if (reference.altered + serving.altered > 0)
    found.push(`${plural(reference.altered + serving.altered, 'prediction')} not compared: the record is altered`)
  if (serving.silent + reference.silent > 0)
    found.push(
      `${plural(serving.silent + reference.silent, 'prediction')} state no inputs: only their scores were compared`,
    )
  if (onlyReference.length > 0) found.push(`never served: ${onlyReference.slice(0, 10).join(', ')}`)
  if (onlyServing.length > 0) found.push(`not in the reference: ${onlyServing.slice(0, 10).join(', ')}`)
  if (noScore !== undefined) found.push(`the score was not compared: ${noScore}`)
  return found
}

const order: DriftVerdict[] = ['drifted', 'watch', 'too few', 'stable']

function ranked({ features, score }: Drift): DriftedFeature[] {
  return [...(score ? [score] : []), ...features.toSorted(byGravity)]
}

function byGravity(a: Compared, b: Compared): number {
  return order.indexOf(a.verdict) - order.indexOf(b.verdict) || (b.psi ?? 0) - (a.psi ?? 0)
}

function gravest(features: readonly Compared[]): Compared | undefined {
  return features.toSorted(byGravity)[0]
}

/** The bin whose share changed most. */
function moved({ bins, reference, serving }: DriftedFeature): string {
  if (reference === 0 || serving === 0) return ''
  const shares = bins.map(({ label, reference: before, serving: after }) => ({
    label,
    before: before / reference,
    after: after / serving,
  }))
  const [most] = shares.toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before))
  if (!most || most.before === most.after) return ''
  return `${most.label}: ${number(100 * most.before, 1)} → ${number(100 * most.after, 1)} %`
}

function index(value: number | null): string {
  return value === null ? '–' : value.toFixed(4)
}
