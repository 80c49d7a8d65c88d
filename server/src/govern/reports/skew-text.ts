// What was served beside what offline gives, as text for a terminal and as Markdown.
import type { FeatureValue, Skew, SkewedFeature } from '@whence/sdk'
import { markdownTable } from './replay-text.ts'
import { number, paint, plural, printable, table } from './text.ts'

export function skewText(given: Skew, { color, width, met }: { color: boolean; width: number; met: boolean }): string {
  const skew = printable(given)
  const { green, red, bold, dim } = paint(color)
  const lines = [`${met ? green('✓') : red('✗')} ${bold(headline(skew))}`, `  ${scope(skew)}`]
  for (const note of notes(skew)) lines.push(`  ${note}`)
  for (const { view, model, rows, features } of skew.views) {
    lines.push('', `${view}${model ? `, as ${model} was given it` : ''}: ${plural(rows, 'row')}`)
    if (features.length === 0) {
      lines.push(dim('  none of its features was served'))
      continue
    }
    const head = ['feature', 'compared', 'mismatch', 'missing', 'extra', 'served − offline (5 %, half, 95 %)'].map(dim)
    const body = [...features]
      .toSorted((a, b) => off(b) - off(a))
      .map((feature) => [
        feature.name,
        number(feature.compared),
        share(feature.mismatchRatio),
        share(feature.missingRatio),
        share(feature.extraRatio),
        distribution(feature),
      ])
    lines.push(table([head, ...body], { right: [1, 2, 3, 4], indent: '  ', columns: width }))
    const examples = features.flatMap(({ name, examples: own }) => own.map((example) => ({ name, ...example })))
    if (examples.length > 0) {
      const shown = examples.map((one) => [
        one.name,
        where(one),
        `served ${value(one.served)}, offline ${value(one.offline)}${why(one)}`,
      ])
      lines.push('', table(shown, { indent: '  ', columns: width }))
    }
  }
  return `${lines.join('\n')}\n`
}

export function skewMarkdown(given: Skew, { met }: { met: boolean }): string {
  const skew = printable(given)
  const lines = [`### ${met ? '✅' : '❌'} Skew: ${headline(skew)}`, '', `${scope(skew)}.`]
  for (const note of notes(skew)) lines.push('', `${note}.`)
  for (const { view, model, rows, features } of skew.views) {
    lines.push('', `**${escaped(view)}**${model ? ` (${escaped(model)})` : ''}: ${plural(rows, 'row')}`, '')
    lines.push(
      ...markdownTable(
        ['feature', 'compared', 'mismatch', 'missing', 'extra', 'served − offline (5 %, half, 95 %)'],
        features.map((feature) => [
          feature.name,
          number(feature.compared),
          share(feature.mismatchRatio),
          share(feature.missingRatio),
          share(feature.extraRatio),
          distribution(feature),
        ]),
      ),
    )
    const examples = features.flatMap(({ name, examples: own }) =>
      own.slice(0, 3).map((example) => ({ name, ...example })),
    )
    if (examples.length > 0)
      lines.push(
        '',
        ...markdownTable(
          ['feature', 'where', 'served', 'offline', 'events behind it'],
          examples.map((one) => [
            one.name,
            where(one),
            value(one.served),
            value(one.offline),
            one.behind?.sentence ?? 'none found',
          ]),
        ),
      )
  }
  return `${lines.join('\n')}\n`
}

const escaped = (text: string): string => text.replaceAll(/[\\`*_{}[\]<>|]/g, (mark) => `\\${mark}`)

type Example = SkewedFeature['examples'][number]

function headline({ views, compared }: Skew): string {
  const features = views.flatMap((view) => view.features)
  const bad = features.filter((feature) => off(feature) > 0)
  if (compared === 0 || features.length === 0) return 'Nothing could be compared'
  if (bad.length === 0) return `${plural(features.length, 'feature')} served as offline gives them`
  return `${number(bad.length)} of ${plural(features.length, 'feature')} served otherwise than offline gives them`
}

function scope({ of, compared, sampled, population, model, seed, asOf }: Skew): string {
  const what = of === 'served' ? 'row' : 'prediction'
  const drawn = sampled === population ? '' : `, ${number(sampled)} drawn of ${number(population)}, seed ${seed}`
  return `${plural(compared, what)} compared${drawn}${model ? ` of ${model}` : ''}, as of record ${number(asOf)}`
}

function notes({ erased, unknown, altered, silent, absent, strange }: Skew): string[] {
  const found: string[] = []
  if (erased > 0) found.push(`${number(erased)} not compared: erased on request`)
  if (unknown > 0) found.push(`${number(unknown)} not compared: nothing is recorded of the person`)
  if (altered > 0) found.push(`${number(altered)} not compared: the record is altered`)
  if (silent > 0)
    found.push(`${number(silent)} not compared: they state no inputs, or no view is known that they came from`)
  if (absent > 0)
    found.push(`${number(absent)} were compared with the values of no events: the view did not know the person by then`)
  const names = Object.keys(strange)
  if (names.length > 0)
    found.push(`no feature of the view: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ' …' : ''}`)
  return found
}

function off({ mismatch, missing, extra }: SkewedFeature): number {
  return mismatch + missing + extra
}

function share(ratio: number | null): string {
  if (ratio === null) return '–'
  if (ratio === 0) return '0'
  const percent = 100 * ratio
  return `${percent < 0.01 ? '< 0.01' : number(percent, 2)} %`
}

function distribution({ deltas, pairs }: SkewedFeature): string {
  if (pairs) {
    const most = pairs
      .slice(0, 2)
      .map(({ served, offline, rows }) => `${value(served)} for ${value(offline)} (${number(rows)})`)
    return most.join(', ')
  }
  if (!deltas || deltas.rows === deltas.zero) return ''
  const { p05, p50, p95 } = deltas.quantiles
  return [p05, p50, p95].map((quantile) => number(quantile)).join(', ')
}

function where({ row, seq, id }: Example): string {
  return id ?? (seq === undefined ? `row ${number((row ?? 0) + 1)}` : `record ${number(seq)}`)
}

function why({ behind }: Example): string {
  if (!behind) return '; no choice of events gives that'
  const [event] = behind.events
  const late = event && event.marks.length > 0 ? ` (${event.marks.join('; ')})` : ''
  const other = behind.alternatives > 0 ? `; ${plural(behind.alternatives, 'other choice')} would do as well` : ''
  return `: ${behind.sentence}${late}${other}`
}

function value(of: FeatureValue | undefined): string {
  return of === undefined ? 'nothing' : of === null ? 'none' : String(of)
}
