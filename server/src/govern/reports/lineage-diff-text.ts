import type { Difference, LineageCoverage, LineageDiff } from '@whence/sdk'
import { lacking, listed } from './lineage-text.ts'
import { nameIn } from './lineage-tree.ts'
import type { Terminal } from './lineage-text.ts'
import { number, paint, plural, printable, table, wrap } from './text.ts'
import type { Paint } from './text.ts'

// A diff and the coverage of lineage, for a terminal.

export function lineageDiffText(diff: LineageDiff, { color = false, width = 100 }: Terminal = {}): string {
  const answer = printable({ ...diff, differences: [], upstream: [] })
  const brush = paint(color)
  const columns = Math.max(60, Math.min(width, 120))
  const { rows } = answer
  return [
    ...lacking(answer.notes, brush, columns),
    brush.bold(wrap(answer.sentence, columns)),
    '',
    ...bothRuns(answer, brush),
    ...lines(diff.differences, '  ', brush, columns),
    ...(rows
      ? [
          `  rows: ${number(rows.before)} before, ${number(rows.after)} after; ${number(rows.added)} added, ${number(rows.removed)} removed (${rows.basis})`,
        ]
      : []),
    ...(diff.upstream.length > 0 ? ['', brush.bold('Upstream, nearest first')] : []),
    ...diff.upstream.flatMap((step) => [
      '',
      `  ${printable(step.name)}`,
      `    ${brush.dim(printable(whichRuns(step)))}`,
      ...(step.differences.length === 0
        ? [`    ${step.before === undefined ? 'only after' : 'only before'}`]
        : lines(step.differences, '    ', brush, columns)),
    ]),
    '',
    `  ${plural(answer.unchanged, 'job')} upstream without a difference, as of record ${number(answer.asOf)}`,
    '',
  ].join('\n')
}

/** By which runs, and of which jobs: a version that nobody named is called after its run. */
function bothRuns({ from, to }: Pick<LineageDiff, 'from' | 'to'>, brush: Paint): string[] {
  const rows = [['before', from] as const, ['after', to] as const].flatMap(([when, { run, job, time }]) =>
    run === undefined ? [] : [[when, `run ${run}`, job === undefined ? '' : nameIn(job), time?.slice(0, 16) ?? '']],
  )
  return rows.length === 0 ? [] : [brush.dim(table(rows, { indent: '  ' })), '']
}

function whichRuns({ before, after }: LineageDiff['upstream'][number]): string {
  const shown = (side: typeof before): string =>
    side === undefined ? 'no run' : `run ${side.run}${side.time === undefined ? '' : ` (${side.time.slice(0, 16)}Z)`}`
  return `${shown(before)} → ${shown(after)}`
}

function lines(differences: readonly Difference[], indent: string, brush: Paint, columns: number): string[] {
  if (differences.length === 0) return [`${indent}nothing differs that is known`]
  const plain = differences.filter(({ text }) => text === undefined)
  const rows = plain.map((difference) => {
    const { what, change } = difference
    const { name, before, after } = what === 'input' ? inputOf(difference) : difference
    const values = change === 'changed' ? `${before} → ${after}` : (after ?? before ?? '')
    const marks = { added: brush.green('+'), removed: brush.red('-'), changed: brush.yellow('~') }
    return [marks[change], printable(what), printable(name), printable(values)]
  })
  const texts = differences.flatMap(({ text, name }) =>
    text === undefined
      ? []
      : [
          `${indent}${brush.yellow('~')} ${printable(name)}`,
          ...text.split('\n').map((line) => `${indent}  ${painted(printable(line), brush)}`),
        ],
  )
  return [...(rows.length > 0 ? [table(rows, { indent, columns })] : []), ...texts]
}

/** An input by its name alone, and behind it no more than the version. */
function inputOf({ name: id, before, after }: Difference): Pick<Difference, 'name' | 'before' | 'after'> {
  const name = nameIn(id)
  const versionOf = (text: string | undefined): string | undefined =>
    text?.startsWith(name) === true ? text.slice(name.length).replace(/^,? /, '') : text
  return { name, before: versionOf(before), after: versionOf(after) }
}

function painted(line: string, brush: Paint): string {
  if (line.startsWith('+')) return brush.green(line)
  if (line.startsWith('-')) return brush.red(line)
  return line.startsWith('@@') ? brush.cyan(line) : line
}

export function coverageText(coverage: LineageCoverage, { color = false, width = 100 }: Terminal = {}): string {
  const answer = printable(coverage)
  const brush = paint(color)
  const columns = Math.max(60, Math.min(width, 120))
  const percent = (share: number | null): string =>
    share === null ? 'nothing to measure' : `${number(Math.floor(share * 1000) / 10, 1)} %`
  const mark = (complete: boolean): string => (complete ? brush.green('✓') : brush.red('✗'))
  const group = (title: string, rows: string[][]): string[] =>
    rows.length === 0
      ? []
      : [
          '',
          brush.bold(title),
          table(rows.slice(0, 200), { indent: '  ', columns }),
          ...(rows.length > 200 ? [`  … and ${number(rows.length - 200)} more; --json lists them`] : []),
        ]
  return [
    ...(answer.truncated
      ? [brush.yellow('! There is more than was looked at: the newest 2,000 of each kind are.'), '']
      : []),
    ...(answer.violations.length > 0
      ? [brush.bold(brush.red(`${plural(answer.violations.length, 'violation')} of policies`))]
      : answer.policies.length > 0
        ? [
            `No violation of ${listed(
              answer.policies.map(({ name }) => name),
              5,
            )}.`,
          ]
        : ['No policy is in force: whence apply DIR puts one into force (kind: LineagePolicy).']),
    ...(answer.violations.length > 0
      ? [
          table(
            answer.violations.slice(0, 200).map(({ policy, job, requires, why }) => [policy, job, requires, why]),
            { indent: '  ', columns },
          ),
        ]
      : []),
    '',
    `audit completeness      ${percent(answer.auditCompleteness)}`,
    `traceability coverage   ${percent(answer.traceability)}${answer.traceability === null ? '' : ' of predictions'}`,
    ...group(
      'Models',
      answer.models.map(({ model, complete, missing, sources, predictions }) => [
        mark(complete),
        model,
        plural(predictions, 'prediction'),
        complete ? plural(sources, 'source') : `missing: ${missing.join(', ')}`,
      ]),
    ),
    ...group(
      'Streams',
      answer.streams.map(({ stream, complete, missing }) => [
        mark(complete),
        stream,
        complete ? '' : `missing: ${missing.join(', ')}; its contract names no upstream, or nothing feeds it`,
      ]),
    ),
    ...group(
      'Jobs',
      answer.jobs.map(({ job, complete, detail = '' }) => [mark(complete), job, detail]),
    ),
    '',
    `  as of record ${number(answer.asOf)}`,
    '',
  ].join('\n')
}
