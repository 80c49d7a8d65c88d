// One name of the lineage graph, and one run, for a terminal: what went wrong first.
import type { LineageNodeDetail, LineageRunDetail } from '@whence/sdk'
import { plainId } from '../../record/lineage/plain-id.ts'
import { lacking, listed, terminal } from './lineage-text.ts'
import type { Terminal } from './lineage-text.ts'
import { number, plural, printable, table } from './text.ts'

type Facets = Readonly<Record<string, unknown>>

const MOST = 20
const WIDEST = 300

export function nodeText(detail: LineageNodeDetail, options: Terminal = {}): string {
  const node = printable(detail)
  const { brush, columns } = terminal(options)
  const where = node.namespace === '' ? '' : ` of ${node.namespace}`
  const title = `${node.kind} ${node.name}${node.field === undefined ? '' : `#${node.field}`}${where}`
  const rows = [
    ...labelled('also called', node.names.map(plainId)),
    ...labelled(
      'jobs',
      node.jobs.map(({ id, how }) => `${how} ${plainId(id)}`),
    ),
    ...(node.fields.length > 0 ? [['fields', listed(node.fields, MOST)]] : []),
    ...labelled(
      'became',
      node.lifecycle.map(({ change, previous, time }) => {
        const from = previous === undefined ? '' : ` from ${plainId(previous)}`
        return `${change.toLowerCase()}${from}, ${moment(time)}`
      }),
    ),
    ...labelled(
      'versions',
      node.versions.map(({ version, run, job, time }) => {
        const by = run === undefined || run === version ? '' : ` by run ${run}`
        return `${version}, ${moment(time)}${by}${job === undefined ? '' : ` of ${plainId(job)}`}`
      }),
    ),
    ...labelled(
      'runs',
      node.runs.map(({ id, state, started, ended }) => `${id} ${state ?? ''} ${span(started, ended)}`),
    ),
    ...facetRows(node.facets),
  ]
  return [
    brush.bold(title),
    `  first named by record ${number(node.appeared)}, shown as of record ${number(node.asOf)}`,
    ...(rows.length > 0 ? ['', table(rows, { indent: '  ', columns })] : []),
    '',
  ].join('\n')
}

export function runText(detail: LineageRunDetail, options: Terminal = {}): string {
  const run = printable(detail)
  const { brush, columns } = terminal(options)
  const error = detail.facets.find(({ name }) => name === 'errorMessage')?.body as { message?: unknown } | null
  const wrong =
    typeof error?.message === 'string' ? [`It says: ${printable(cut(error.message.replace(/\s+/g, ' ')))}`] : []
  const rows = [
    ['of', run.job === undefined ? 'no job that is known' : plainId(run.job)],
    ['time', span(run.started, run.ended)],
    ['producer', run.producer],
    ...(run.parent === undefined ? [] : [['parent', `run ${run.parent}`]]),
    ...(run.root === undefined || run.root === run.parent ? [] : [['root', `run ${run.root}`]]),
    ...labelled(
      'read',
      run.inputs.map(({ dataset, version, resolved, here }) => {
        const which = { stated: '', 'by time': ' (the last one before it began)', unknown: ' (version unknown)' }[
          resolved
        ]
        return `${plainId(dataset)}${version === undefined ? '' : ` @ ${version}`}${which}${counted(here)}`
      }),
    ),
    ...labelled(
      'wrote',
      run.outputs.map(
        ({ dataset, version, here }) =>
          `${plainId(dataset)}${version === undefined ? '' : ` @ ${version}`}${counted(here)}`,
      ),
    ),
    ...facetRows(run.facets.filter(({ name }) => name !== 'errorMessage')),
  ]
  return [
    ...lacking(wrong, brush, columns),
    brush.bold(`run ${run.id}   ${run.state ?? 'state unknown'}`),
    `  ${plural(run.events, 'event')}, records ${number(run.first)} to ${number(run.last)}, shown as of record ${number(run.asOf)}`,
    '',
    table(rows, { indent: '  ', columns }),
    '',
  ].join('\n')
}

/** A row for each value, the label on the first. */
function labelled(label: string, values: readonly string[]): string[][] {
  const rows = values.slice(0, MOST).map((value, i) => [i === 0 ? label : '', value])
  if (values.length > MOST) rows.push(['', `… and ${number(values.length - MOST)} more`])
  return rows
}

function facetRows(facets: LineageNodeDetail['facets']): string[][] {
  return facets.map(({ name, body }) => {
    const { _producer, _schemaURL, ...own } = (typeof body === 'object' && body !== null ? body : { body }) as Facets
    return [`facet ${name}`, cut(JSON.stringify(own))]
  })
}

function cut(text: string): string {
  return text.length > WIDEST ? `${text.slice(0, WIDEST)}… (--json has all of it)` : text
}

function counted(here: Facets): string {
  const { rowCount } = (here.outputStatistics ?? here.inputStatistics ?? {}) as { rowCount?: unknown }
  return typeof rowCount === 'number' ? `, ${plural(rowCount, 'row')}` : ''
}

function span(started: string, ended: string | undefined): string {
  return `${moment(started)} to ${ended === undefined ? '?' : moment(ended)}`
}

function moment(time: string): string {
  return `${time.slice(0, 19)}Z`
}
