// A data card in Markdown. What others wrote into views, labels and notes is escaped: it stays text wherever it is shown.
import type { ColumnSummary, FeatureValue, TrainingCard } from '@whence/sdk'

export function trainingCardText(card: TrainingCard): string {
  const { set } = card
  const sections = [
    `# ${text(set.id)}`,
    `Label: **${text(set.label)}**. ${card.people} people (\`${code(card.entity)}\`), ${set.now.rows} rows, made ${set.made} as record ${set.seq}.`,
    ...(set.knowledge === 'ignored'
      ? [
          '> **Knowledge time ignored.** Values count events that were not known yet at the row’s time: labels may leak.',
        ]
      : []),
    `## Clocks\n\n${list([
      card.times === null ? 'No rows.' : `Rows from ${card.times.from} to ${card.times.to}, each at its own time.`,
      set.knowledge === 'honoured'
        ? 'Each value counts what had happened, and was known, by then.'
        : 'Each value counts what had happened by then, known or not.',
      `Of the log the records before ${set.asOf} count.`,
      ...(set.objectionsAsOf === undefined ? [] : [`Objections were heard up to record ${set.objectionsAsOf}.`]),
    ])}`,
    `## Sources\n\n${table(
      ['stream', 'contract'],
      card.streams.map(({ stream, contract }) => [stream, contract]),
    )}\n\nSpine: ${spineOf(card)}.`,
    ...card.views.map(viewOf),
    `## Labels\n\n${labelsOf(card)}`,
    `## Columns\n\n${table(
      ['column', 'from', 'type', 'null', 'min', 'p05', 'p25', 'median', 'p75', 'p95', 'max'],
      card.columns.map(columnOf),
    )}`,
    `## Left out\n\n${table(
      ['why', 'rows'],
      [
        ['nothing is known about the person', set.leftOut.unknown],
        ['the person was erased', set.leftOut.erased],
        ['the person objected to profiling', set.leftOut.objected],
        ['the time had not come', set.leftOut.future],
        ['there was no label', set.leftOut.unlabelled],
        ['taken out by erasures since', card.erased],
      ],
    )}`,
    `## Digest\n\n${list([
      set.contentDigest === undefined ? 'no digest of the content' : `content/1 \`${set.contentDigest}\``,
      `rows \`${set.rowsDigest}\``,
      ...set.now.files.map(({ path, sha256, bytes }) => `\`${code(path)}\`, ${bytes} bytes, sha256 \`${sha256}\``),
    ])}`,
    `## Lineage\n\n${list([
      ...set.inputs.map(
        ({ stream, files }) =>
          `${text(stream)}: ${files.reduce((sum, { rows }) => sum + rows, 0)} events in ${files.length} files`,
      ),
      card.models.length === 0 ? 'No model version names it.' : `Models: ${card.models.map(text).join(', ')}.`,
    ])}`,
    `## Known limits\n\n${list(card.limits.map(text))}`,
    `## Approvals\n\n${approvalsOf(card)}`,
  ]
  return `${sections.join('\n\n')}\n`
}

function viewOf({ view, fingerprint, owner, description, features, absent }: TrainingCard['views'][number]): string {
  const said = [description, owner === undefined ? undefined : `Owner: ${owner}.`].filter((each) => each !== undefined)
  const rows = features.map(({ name, column, type, source, window, filter, expr, description: what }) => [
    column === name ? name : `${column} (${name})`,
    type,
    source,
    window ?? 'all time',
    [expr, filter === undefined ? '' : `where ${filter}`].join(' '),
    what ?? '',
  ])
  const head = `## View ${text(view)}\n\n\`${code(fingerprint)}\``
  const missing = absent > 0 ? `\n\n${absent} rows are about people whom its main stream did not know by then.` : ''
  return `${head}${said.map((each) => `\n\n${text(each)}`).join('')}\n\n${table(['feature', 'type', 'stream', 'window', 'definition', 'what'], rows)}${missing}`
}

function spineOf({ set }: TrainingCard): string {
  const { kind, stream, table: name, where, at, label } = set.spine
  if (kind === 'table') return `the rows of table ${text(name ?? '')}`
  if (kind !== 'stream') return kind === 'rows' ? 'rows of the request' : `a ${kind === 'csv' ? 'CSV' : 'Parquet'} file`
  const parts = [
    `each event of stream ${text(stream ?? '')}`,
    `at \`${code(at ?? 'time')}\``,
    `label \`${code(label ?? '')}\``,
  ]
  return [...parts, ...(where === undefined ? [] : [`where \`${code(where)}\``])].join(', ')
}

function labelsOf({ labels }: TrainingCard): string {
  if (labels === undefined) return 'More than 20 different values: see the columns.'
  return table(
    ['label', 'rows', 'share'],
    labels.map(({ value, rows, share }) => [String(value), rows, `${(100 * share).toFixed(1)} %`]),
  )
}

function columnOf({ name, view, type, nullShare, min, max, quantiles: q }: ColumnSummary): Cell[] {
  const quantiles = q === undefined ? ['', '', '', '', ''] : [q.p05, q.p25, q.p50, q.p75, q.p95].map(short)
  const [p05, p25, p50, p75, p95] = quantiles
  return [
    name,
    view ?? '',
    type,
    `${(100 * nullShare).toFixed(1)} %`,
    short(min),
    p05!,
    p25!,
    p50!,
    p75!,
    p95!,
    short(max),
  ]
}

function approvalsOf({ set }: TrainingCard): string {
  if (set.approvals.length === 0) return 'None.'
  return table(
    ['decision', 'as', 'for', 'by key', 'time', 'record', 'note'],
    set.approvals.map(({ decision, role, purpose, by, time, seq, note }) => [
      decision,
      role,
      purpose ?? '',
      by,
      time,
      seq,
      note ?? '',
    ]),
  )
}

type Cell = string | number

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map((cell) => text(String(cell))).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

function short(value: FeatureValue): string {
  if (typeof value !== 'number') return value === null ? '' : String(value)
  return Number.isInteger(value) ? String(value) : value.toPrecision(6).replace(/\.?0+$/, '')
}

/** As Markdown that shows just these characters, on one line. */
function text(value: string): string {
  return value.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>|#&]/g, (mark) => `\\${mark}`)
}

/** Within backticks, where nothing can be escaped. */
function code(value: string): string {
  return value.replaceAll(/[\s`|]+/g, ' ')
}
