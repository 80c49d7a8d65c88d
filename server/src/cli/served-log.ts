// A log of what an online store served, read from a file: CSV, NDJSON or Parquet; one row is one answer of the store.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { FeatureValue, ServedRow } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { placeHash } from '../path/predictions/population.ts'
import { formatTime } from '../record/time.ts'
import { identifier, openColumns, quote } from '../store/columns.ts'
import type { Plain } from '../store/columns.ts'
import type { Context } from './context.ts'
import { CsvReader } from '../rules/files/csv.ts'
import { lines } from '../rules/files/lines.ts'
import { openSource } from './files/source.ts'

export interface ServedLog {
  rows: ServedRow[]
  /** Rows in the file; `rows` are a sample where there are more than are sent at once. */
  total: number
}

export interface ServedColumns {
  entity?: string | undefined
  at?: string | undefined
}

/** Rows that one question holds. */
const MOST = 100_000
/** What a question may hold, with room for what stands around the rows. */
const MOST_BYTES = 48 * 1024 * 1024

export async function readServedLog(
  context: Context,
  path: string,
  columns: ServedColumns,
  {
    sample = MOST,
    seed = 1,
    delimiter,
  }: { sample?: number | undefined; seed?: number | undefined; delimiter?: string | undefined },
): Promise<ServedLog> {
  const most = Math.min(sample, MOST)
  const kept = new Sample(most, seed)
  const rows = /\.parquet$/i.test(path) ? parquetRows(context, path) : textRows(context, path, delimiter)
  for await (const { place, record } of rows) kept.add(() => servedRow(record, columns, place))
  if (kept.total === 0) throw new Fault('invalid', `${path} has no rows: there is nothing to compare.`)
  return { rows: kept.rows(MOST_BYTES), total: kept.total }
}

interface Numbered {
  place: string
  record: Record<string, unknown>
}

async function* textRows(context: Context, path: string, delimiter: string | undefined): AsyncGenerator<Numbered> {
  const source = await openSource(context, path, delimiter === undefined ? {} : { delimiter })
  const reader = source.format === 'csv' ? new CsvReader(source.delimiter) : undefined
  let head: string[] | undefined
  const fromCsv = (row: ReturnType<CsvReader['read']>[number]): Numbered | undefined => {
    if ('blank' in row) return undefined
    const place = `${path} line ${row.line}`
    if (!('fields' in row)) throw new Fault('invalid', `${place} ${'broken' in row ? row.broken : 'is too long'}.`)
    if (!head) {
      head = row.fields.map((name) => name.trim())
      const twice = head.find((name, i) => head!.indexOf(name) !== i)
      if (twice !== undefined) throw new Fault('invalid', `${path} has two columns called "${twice}".`)
      return undefined
    }
    if (row.fields.length !== head.length)
      throw new Fault('invalid', `${place} has ${row.fields.length} fields, the head has ${head.length}.`)
    return {
      place,
      record: Object.fromEntries(head.map((name, i) => [name, row.fields[i] === '' ? null : row.fields[i]])),
    }
  }
  for await (const some of lines(source.chunks)) {
    for (const line of some) {
      if (reader) {
        for (const row of reader.read(line)) {
          const read = fromCsv(row)
          if (read) yield read
        }
        continue
      }
      const place = `${path} line ${line.number}`
      if (!('bytes' in line)) throw new Fault('invalid', `${place} is too long.`)
      const text = line.bytes.toString('utf8').trim()
      if (text !== '') yield { place, record: parsed(text, place) }
    }
  }
  for (const row of reader?.end() ?? []) {
    const read = fromCsv(row)
    if (read) yield read
  }
}

function parsed(text: string, place: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below, with its place.
  }
  throw new Fault('invalid', `${place} is no JSON object.`)
}

const PAGE = 5_000

async function* parquetRows(context: Context, path: string): AsyncGenerator<Numbered> {
  const full = resolve(context.cwd, path)
  const scratch = await mkdtemp(join(tmpdir(), 'whence-served-'))
  const columns = await openColumns({ folder: scratch, also: [dirname(full)] })
  try {
    const from = `read_parquet(${quote(full)}, file_row_number = true)`
    const described = await columns.describe(`SELECT * FROM ${from}`).catch((cause: unknown) => {
      throw new Fault('invalid', `${path} cannot be read as Parquet: ${Fault.from(cause).message}`, { cause })
    })
    const names = described.filter(({ name }) => name !== 'file_row_number')
    const selected = names.map(({ name, type }, i) => {
      // A time with a zone comes as one without, in UTC; what is no plain value comes as text.
      const column = identifier(name)
      if (type.startsWith('TIMESTAMP')) return `${column}::TIMESTAMP AS v${i}`
      return /^(VARCHAR|BOOLEAN|DOUBLE|FLOAT|U?(TINYINT|SMALLINT|INTEGER|BIGINT)|DECIMAL.*)$/.test(type)
        ? `${column} AS v${i}`
        : `${column}::VARCHAR AS v${i}`
    })
    for (let offset = 0; ; offset += PAGE) {
      const page = await columns.rows(
        `SELECT ${selected.join(', ')} FROM ${from} WHERE file_row_number >= ${offset} AND file_row_number < ${offset + PAGE} ORDER BY file_row_number`,
      )
      for (const [n, row] of page.entries()) {
        const record = Object.fromEntries(names.map(({ name, type }, i) => [name, plain(row[`v${i}`]!, type)]))
        yield { place: `${path} row ${offset + n + 1}`, record }
      }
      if (page.length < PAGE) return
    }
  } finally {
    await columns.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

function plain(value: Plain, type: string): unknown {
  if (typeof value === 'bigint') return BigInt(Number(value)) === value ? Number(value) : String(value)
  if (typeof value === 'number' && type.startsWith('TIMESTAMP')) return formatTime(value)
  return value
}

function servedRow(record: Record<string, unknown>, { entity, at }: ServedColumns, place: string): ServedRow {
  const named = (given: string | undefined, usual: readonly string[], what: string, option: string): string => {
    if (given !== undefined && !Object.hasOwn(record, given))
      throw new Fault('usage', `${place} has no column "${given}": it has ${Object.keys(record).join(', ')}.`)
    const found = given ?? usual.find((name) => Object.hasOwn(record, name))
    if (found === undefined) throw new Fault('usage', `${place}: which column says ${what}? Give --${option} COLUMN.`)
    return found
  }
  const who = named(entity, ['subject', 'entity'], 'whom the row is about', 'entity')
  const when = named(at, ['at', 'event_timestamp', 'time'], 'as of which instant it was served', 'at')
  const person = record[who]
  const instant = record[when]
  if (person === null || person === undefined || instant === null || instant === undefined)
    throw new Fault('invalid', `${place} lacks ${person === null || person === undefined ? who : when}.`)
  const asOf = Object.hasOwn(record, 'as_of') && record['as_of'] !== null ? Number(record['as_of']) : undefined
  if (asOf !== undefined && !(Number.isSafeInteger(asOf) && asOf >= 0))
    throw new Fault('invalid', `${place}: as_of is a ledger position, not "${show(record['as_of'])}".`)
  const values: Record<string, FeatureValue> = {}
  for (const [name, value] of Object.entries(record)) {
    if (name === who || name === when || name === 'as_of') continue
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
      throw new Fault('invalid', `${place}: ${name} is neither a number, a text nor a truth value.`)
    values[name] = value as FeatureValue
  }
  return {
    ...(who === 'subject' && entity === undefined ? { subject: show(person) } : { entity: show(person) }),
    at: show(instant),
    ...(asOf === undefined ? {} : { asOf }),
    values,
  }
}

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** The rows with the smallest hashes of their places: the same seed draws the same. */
class Sample {
  readonly #most: number
  readonly #seed: number
  #rows: { hash: number; at: number; row: ServedRow }[] = []
  #bound = Infinity
  total = 0

  constructor(most: number, seed: number) {
    this.#most = most
    this.#seed = seed
  }

  add(read: () => ServedRow): void {
    const at = this.total++
    const hash = placeHash(this.#seed, at, -1)
    // Every row is read, so that a broken one is found wherever it stands.
    const row = read()
    if (hash > this.#bound) return
    this.#rows.push({ hash, at, row })
    if (this.#rows.length < 2 * this.#most) return
    this.#rows = this.#smallest()
    this.#bound = this.#rows.at(-1)!.hash
  }

  #smallest(): { hash: number; at: number; row: ServedRow }[] {
    return this.#rows.toSorted((a, b) => a.hash - b.hash || a.at - b.at).slice(0, this.#most)
  }

  /** The rows drawn, in their order; fewer where they would take more than so many bytes. */
  rows(bytes: number): ServedRow[] {
    const drawn = this.#smallest()
    let size = 0
    const fitting = drawn.findIndex(({ row }) => (size += Buffer.byteLength(JSON.stringify(row)) + 1) > bytes)
    return (fitting < 0 ? drawn : drawn.slice(0, fitting)).toSorted((a, b) => a.at - b.at).map(({ row }) => row)
  }
}
