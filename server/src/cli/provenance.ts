import { createWriteStream } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import type { Client, ProvenanceRow } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { csvValue } from '../govern/reports/csv-cell.ts'
import { cut, number, paint, plural } from '../govern/reports/text.ts'
import { provenanceFields, writeProvenance } from '../path/features/provenance-rows.ts'
import { openColumns } from '../store/columns.ts'
import { flag, given, integer, positionals, printJson, text, wholeNumber, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'
import { seed } from './options.ts'

const columns = provenanceFields.map(({ name }) => name as keyof ProvenanceRow)
const formats = ['parquet', 'csv', 'ndjson'] as const
type Format = (typeof formats)[number]

export const provenance: Command = {
  name: 'provenance',
  summary: 'which events each feature value of a snapshot was made from',
  usage: 'provenance SNAPSHOT',
  options: {
    subject: { type: 'string', value: 'ID', help: 'of this person only (a subject id)' },
    sample: { type: 'string', value: 'N', help: 'of N people (default: everyone)' },
    seed,
    out: { type: 'string', value: 'FILE', help: 'write FILE.parquet, .csv or .ndjson (default: CSV to the output)' },
    table: { type: 'boolean', help: 'add everyone to the table audit.VIEW_vN, which any engine reads' },
  },
  details: `
One row for each event that a feature counts: feature_snapshot_id, view, entity, feature, value, campaign_event_id (the
event's id at its source), event_seq, event_time, stream, campaign, creative. An event counts when taking it away would change
what an aggregate of the feature is fed. A value that was made from no event has one row without one. The ids of events are
opened on the log: whoever gets the file can find the events at their source.
In CSV a text that a spreadsheet would take for a formula begins with an apostrophe; Parquet and NDJSON have it exactly.`,
  async run(context, args) {
    const [id] = positionals(args, 'SNAPSHOT')
    const snapshot = wholeNumber(id!, 'SNAPSHOT')
    const query = given({
      subject: text(args, 'subject'),
      sample: integer(args, 'sample', 1),
      seed: integer(args, 'seed'),
    })
    if (query.subject !== undefined && query.sample !== undefined)
      throw new Fault('usage', '--subject is one person already: leave --sample out.')
    const { green } = paint(context.color)
    return withClient(context, args, async (client) => {
      if (flag(args, 'table')) {
        if (Object.keys(query).length > 0 || text(args, 'out') !== undefined)
          throw new Fault(
            'usage',
            '--table takes everyone of the snapshot: leave --subject, --sample, --seed and --out out.',
          )
        const made = await client.provenanceTable(snapshot)
        if (flag(args, 'json')) printJson(context, made)
        else
          context.stdout(
            made.repeated
              ? `${green('=')} ${made.table} has snapshot ${number(snapshot)} already\n`
              : `${green('✓')} ${plural(made.rows, 'row')} added to ${made.table}, record ${number(made.seq)}\n`,
          )
        return 0
      }
      const rows = counted(context, client.provenance(snapshot, query))
      const out = text(args, 'out')
      if (out === undefined) {
        const format = flag(args, 'json') ? 'ndjson' : 'csv'
        for await (const piece of written(rows.batches, format)) context.stdout(piece)
        rows.clear()
        return 0
      }
      await save(rows.batches, resolve(context.cwd, out), formatOf(out))
      rows.clear()
      if (flag(args, 'json')) printJson(context, { snapshot, file: out, rows: rows.count() })
      else context.stdout(`${green('✓')} ${plural(rows.count(), 'row')} written to ${out}\n`)
      return 0
    })
  },
}

function formatOf(path: string): Format {
  const found = formats.find((format) => path.toLowerCase().endsWith(`.${format}`))
  if (!found) throw new Fault('usage', `--out ${path}: end the name in .parquet, .csv or .ndjson.`)
  return found
}

const BATCH = 2000

/** The rows in batches, counted on the terminal as they come. */
function counted(
  context: Context,
  rows: ReturnType<Client['provenance']>,
): { batches: AsyncGenerator<ProvenanceRow[]>; count(): number; clear(): void } {
  let count = 0
  let shown = -Infinity
  async function* batches(): AsyncGenerator<ProvenanceRow[]> {
    let batch: ProvenanceRow[] = []
    for await (const row of rows) {
      batch.push(row)
      count++
      if (batch.length < BATCH) continue
      yield batch
      batch = []
      const now = context.now().getTime()
      if (!context.isTTY.stderr || now - shown < 200) continue
      shown = now
      context.stderr(`\r\x1b[2K${cut(`  ${number(count)} rows, up to entity ${row.entity}`, context.columns - 1)}`)
    }
    if (batch.length > 0) yield batch
  }
  return {
    batches: batches(),
    count: () => count,
    clear: () => {
      if (shown > -Infinity) context.stderr('\r\x1b[2K')
    },
  }
}

async function* written(batches: AsyncIterable<ProvenanceRow[]>, format: 'csv' | 'ndjson'): AsyncGenerator<string> {
  if (format === 'csv') yield `${columns.join(',')}\n`
  for await (const batch of batches)
    yield batch
      .map((row) => (format === 'csv' ? columns.map((name) => cell(row[name])).join(',') : JSON.stringify(row)) + '\n')
      .join('')
}

/** An absent value is an empty cell, an empty text a quoted one: they must not become one. */
function cell(value: ProvenanceRow[keyof ProvenanceRow]): string {
  return value === null ? '' : csvValue(value)
}

/** Written beside and moved into place whole: what breaks off leaves no file that looks complete. */
async function save(batches: AsyncIterable<ProvenanceRow[]>, path: string, format: Format): Promise<void> {
  const draft = `${path}.part`
  try {
    if (format === 'parquet') await saveParquet(batches, draft)
    else {
      const file = createWriteStream(draft)
      const done = finished(file)
      done.catch(() => {})
      for await (const piece of written(batches, format))
        if (!file.write(piece)) await Promise.race([new Promise((resume) => file.once('drain', resume)), done])
      file.end()
      await done
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    if (error instanceof Error && 'syscall' in error)
      throw new Fault('usage', `${path} cannot be written: ${error.message}`, { cause: error })
    throw error
  }
}

async function saveParquet(batches: AsyncIterable<ProvenanceRow[]>, path: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-provenance-'))
  const engine = await openColumns({ folder, also: [dirname(path)] })
  try {
    await engine.session((session) => writeProvenance(session, provenanceFields, batches, path))
  } finally {
    await engine.close()
    await rm(folder, { recursive: true, force: true })
  }
}
