// A plan as a terminal shows it: each change, how far it reaches, what it touches, and whose values it would change.
import type { ChangeClass, FeatureValue, Plan, PlannedChange, PlanPart } from '@whence/sdk'
import { cut, number, paint, plural, printable, table, wrap } from './text.ts'
import type { Paint } from './text.ts'

interface Terminal {
  color?: boolean
  width?: number
}

const signs = { create: '+', change: '~', describe: '·', remove: '-', restore: '+' } as const
/** Differences shown of one declaration, and features of one sample. */
const SHOWN = 60

export function planText(plan: Plan, { color = false, width = 100 }: Terminal = {}): string {
  const shown = printable(plan)
  const brush = paint(color)
  const columns = Math.max(60, Math.min(width, 120))
  const blocks = shown.changes.map((change) => changeText(change, brush, columns))
  const absent = absentText(shown, brush, columns)
  if (blocks.length === 0)
    return [
      `${brush.green('✓')} Nothing to change: ${plural(plan.unchanged, 'declaration')} as in force.`,
      ...absent,
      '',
    ]
      .filter((line) => line !== undefined)
      .join('\n')
  return [
    'Applying these files will:',
    '',
    ...blocks.flatMap((block) => [block, '']),
    summary(shown, brush),
    ...absent,
    '',
  ].join('\n')
}

/** `Plan: 1 to add, 2 to change (1 breaking), 0 to remove; 4 unchanged.` */
function summary({ changes, unchanged, digest, base }: Plan, brush: Paint): string {
  const of = (...actions: PlannedChange['action'][]): number =>
    changes.filter(({ action }) => actions.includes(action)).length
  const breaking = changes.filter((change) => change.class === 'breaking').length
  const parts = [
    `${number(of('create', 'restore'))} to add`,
    `${number(of('change'))} to change`,
    ...(of('describe') > 0 ? [`${number(of('describe'))} to describe`] : []),
    `${number(of('remove'))} to remove`,
  ]
  const grave = breaking > 0 ? brush.red(`${number(breaking)} breaking`) : 'none breaking'
  const after = base === null ? 'the first plan' : `after the plan at record ${number(base)}`
  return `${brush.bold('Plan:')} ${parts.join(', ')} (${grave}); ${number(unchanged)} unchanged.\n${brush.dim(`      ${digest.slice(0, 12)}, ${after}`)}`
}

function absentText({ absent, remove }: Plan, brush: Paint, columns: number): string[] {
  if (absent.length === 0) return []
  const names = absent.slice(0, 30).map(({ kind, name, version }) => `${kind} ${name}@${version}`)
  const more = absent.length > 30 ? ` and ${number(absent.length - 30)} more` : ''
  const why = remove
    ? 'Contracts cannot be taken out of force, because events were judged by them. These stay:'
    : 'In force and not among these files; they stay, unless --remove is given:'
  return ['', brush.dim(wrap(`${why} ${names.join(', ')}${more}`, columns, ''))]
}

function changeText(change: PlannedChange, brush: Paint, columns: number): string {
  const { kind, name, action, from, to, path, parts, notes } = change
  const paintSign = action === 'remove' ? brush.red : action === 'change' ? brush.yellow : brush.green
  const version = from === undefined ? to : to === undefined || to === from ? from : `${from} → ${to}`
  const head = `${paintSign(signs[action])} ${brush.bold(`${kind} ${name}`)}   ${version}   ${classText(change.class, brush)}${path ? `   ${brush.dim(path)}` : ''}`
  const verbs = {
    create: 'is added',
    change: 'changes',
    describe: 'is described anew',
    remove: 'goes',
    restore: 'returns',
  }
  return [
    `  ${head}`,
    ...partsText(parts, action, brush, columns),
    ...sampleText(change, brush, columns),
    ...downstreamText(change, brush, columns),
    ...notes.map((note) => `      ${wrap(note, columns - 6, '      ')}`),
    ...(parts.length === 0 ? [brush.dim(`      it ${verbs[action]}`)] : []),
  ].join('\n')
}

function partsText(
  parts: readonly PlanPart[],
  action: PlannedChange['action'],
  brush: Paint,
  columns: number,
): string[] {
  const rows = parts.slice(0, SHOWN).map((part) => [
    sign(part, brush),
    part.what,
    part.aspect === 'added' || part.aspect === 'removed' ? '' : part.aspect,
    valueOf(part, columns),
    // Of something new nothing is breaking; saying so on every line would hide what is.
    ...(action === 'create' ? [] : [classText(part.class, brush)]),
  ])
  const more =
    parts.length > SHOWN ? [brush.dim(`      … and ${number(parts.length - SHOWN)} more; --json lists them`)] : []
  return rows.length === 0 ? [] : [table(rows, { indent: '      ' }), ...more]
}

function sign({ aspect }: PlanPart, brush: Paint): string {
  if (aspect === 'added' || aspect === 'restored') return brush.green('+')
  return aspect === 'removed' ? brush.red('-') : brush.yellow('~')
}

function valueOf({ before, after }: PlanPart, columns: number): string {
  const one = (text: string): string =>
    cut(text.replace(/\s+/g, ' ') || '(none)', Math.max(24, Math.floor(columns / 3)))
  if (before === undefined && after === undefined) return ''
  if (before === undefined) return one(after!)
  return after === undefined ? one(before) : `${one(before)} → ${one(after)}`
}

function sampleText({ sample }: PlannedChange, brush: Paint, columns: number): string[] {
  if (!sample) return []
  if (sample.problem !== undefined)
    return [`      ${brush.red('✗')} ${wrap(`on real events: ${sample.problem}`, columns - 8, '        ')}`]
  if (sample.people === 0) return [brush.dim('      nobody to compare values of yet')]
  const head = `      values of ${plural(sample.people, 'person', 'people')}, at ${sample.at!.slice(0, 19)}Z:`
  const moved = sample.features.filter(({ changed }) => changed > 0)
  if (moved.length === 0) return [brush.dim(`${head} none changes`)]
  const rows = moved
    .slice(0, SHOWN)
    .map(({ feature, changed, examples }) => [
      feature,
      number(changed),
      examples
        .map(({ subject, before, after }) => `${subject.slice(0, 8)}… ${shown(before)} → ${shown(after)}`)
        .join(', '),
    ])
  return [brush.dim(head), table(rows, { indent: '        ', right: [1], columns })]
}

function downstreamText({ downstream }: PlannedChange, brush: Paint, columns: number): string[] {
  if (!downstream) return []
  const { snapshots, featureViews, trainingSets, models, more } = downstream
  const live = models.filter(({ aliases }) => aliases.length > 0)
  const lines = [
    ...(featureViews.length > 0 ? [`feature views ${featureViews.join(', ')}`] : []),
    ...(snapshots > 0 ? [plural(snapshots, 'snapshot')] : []),
    ...(trainingSets.length > 0 ? [`${plural(trainingSets.length, 'training set')}: ${trainingSets.join(', ')}`] : []),
    ...models.map(
      ({ model, predictions, people, aliases }) =>
        `model version ${model}${aliases.length > 0 ? ` ${brush.red(`in use: ${aliases.join(', ')}`)}` : ''}, ${plural(predictions, 'prediction')} about ${plural(people, 'person', 'people')}`,
    ),
    ...(more > 0 ? [`${number(more)} more`] : []),
  ]
  const head = live.length > 0 ? brush.red('made from it, and in use:') : brush.dim('made from it:')
  return [`      ${head}`, ...lines.map((line) => `        ${wrap(line, columns - 8, '          ')}`)]
}

function classText(cls: ChangeClass, brush: Paint): string {
  if (cls === 'breaking') return brush.red(cls)
  return cls === 'forward-only' ? brush.yellow(cls) : brush.dim(cls)
}

function shown(value: FeatureValue | undefined): string {
  if (value === undefined) return '(no row)'
  return value === null ? 'null' : cut(typeof value === 'number' ? number(value) : String(value), 24)
}
