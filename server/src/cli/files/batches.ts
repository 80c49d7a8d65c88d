import type { EventResult } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { CsvReader, type Row } from '../../rules/files/csv.ts'
import { largestEvent, type Line } from '../../rules/files/lines.ts'

/** What stands on a line of a file, and how many lines it takes. */
export type Piece = { line: number; height: number } & (
  | { event: Buffer; broken?: string } // sent; where it could not be read, as it is, so that it is kept
  | { blank: true }
  | { size: number } // too large to be sent
  | { header: true }
)

/**
 * What one request carries: NDJSON of which each line stands for the same line of the file, counted from `line`. Lines
 * that hold no event of their own (blank, the header, further lines of a row) are empty: so the lines stay in step.
 */
export type Batch = {
  line: number
  lines: number
  body: Buffer
  /** Lines that hold an event, or what should have been one. */
  sent: number
  blank: number[]
  /** Why a line that is sent could not be read. */
  broken: Map<number, string>
  refused: Extract<EventResult, { status: 'refused' }>[]
}

const fullBytes = 1024 * 1024
const fullLines = 5000

/** The events of an NDJSON file: their bytes are passed on as they are. */
export async function* ndjsonPieces(lines: AsyncIterable<Line[]>): AsyncGenerator<Piece[], void, undefined> {
  for await (const some of lines) {
    const first = some[0]
    if (first?.number === 1 && 'bytes' in first && first.bytes.toString('latin1', 0, 64).trimStart().startsWith('[')) {
      const advice = 'make it one event a line: jq -c ".[]" FILE | whence ingest STREAM -'
      throw new Fault('invalid', `The file holds a JSON array, not one event a line; ${advice}`)
    }
    yield some.map((line) => {
      const place = { line: line.number, height: 1 }
      if ('size' in line) return { ...place, size: line.size }
      const event = line.bytes.at(-1) === 13 ? line.bytes.subarray(0, -1) : line.bytes
      return isBlank(event) ? { ...place, blank: true } : { ...place, event }
    })
  }
}

/** Nothing but spaces and tabs, as JSON knows them. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13)
}

export type CsvOptions = {
  delimiter: string
  /** Throws a fault when these columns cannot be the stream's. */
  checkHeader(columns: readonly string[]): void
  /** The event that a row stands for, typed by the stream's contract. */
  toEvent(columns: readonly string[], cells: readonly string[]): unknown
}

/** The events of a CSV file: each row, with the names of the header, becomes one JSON object. */
export async function* csvPieces(
  lines: AsyncIterable<Line[]>,
  options: CsvOptions,
): AsyncGenerator<Piece[], void, undefined> {
  const reader = new CsvReader(options.delimiter)
  let columns: string[] | undefined
  const piece = (row: Row): Piece => {
    const place = { line: row.line, height: row.height }
    if ('blank' in row) return { ...place, blank: true }
    if (columns) return rowPiece(row, columns, options)
    columns = header(row)
    options.checkHeader(columns)
    return { ...place, header: true }
  }
  for await (const some of lines) yield some.flatMap((line) => reader.read(line)).map(piece)
  yield reader.end().map(piece)
}

function header(row: Row): string[] {
  if (!('fields' in row)) {
    const why = 'broken' in row ? row.broken : 'is too large'
    throw new Fault('invalid', `The header, line ${row.line}, ${why}; the first line of a CSV file names its columns.`)
  }
  return row.fields.map((name) => name.trim())
}

function rowPiece(row: Row, columns: readonly string[], options: CsvOptions): Piece {
  const place = { line: row.line, height: row.height }
  if ('blank' in row) return { ...place, blank: true }
  if ('size' in row) return { ...place, size: row.size }
  if ('broken' in row) return { ...place, event: row.bytes, broken: row.broken }
  if (row.fields.length !== columns.length) {
    // Several lines would break the framing: they become one JSON string, which is no event either.
    const raw = row.height === 1 ? row.text : JSON.stringify(row.text)
    const why = `has ${row.fields.length} fields where the header names ${columns.length}`
    return { ...place, event: Buffer.from(raw), broken: why }
  }
  const event = Buffer.from(JSON.stringify(options.toEvent(columns, row.fields)))
  return event.length > largestEvent ? { ...place, size: event.length } : { ...place, event }
}

/** Requests of at most 1 MiB or 5,000 lines; an event that is larger than that goes alone. */
export async function* batches(pieces: AsyncIterable<Piece[]>): AsyncGenerator<Batch, void, undefined> {
  let batch: Filling | undefined
  for await (const some of pieces) {
    for (const piece of some) {
      if (batch && !batch.hasRoom(piece)) {
        yield batch.taken()
        batch = undefined
      }
      batch ??= new Filling(piece.line)
      batch.add(piece)
    }
  }
  if (batch) yield batch.taken()
}

class Filling {
  readonly #line: number
  readonly #parts: Buffer[] = []
  readonly #blank: number[] = []
  readonly #broken = new Map<number, string>()
  readonly #refused: Batch['refused'] = []
  #bytes = 0
  #sent = 0
  #lines = 0

  constructor(line: number) {
    this.#line = line
  }

  hasRoom(piece: Piece): boolean {
    const bytes = 'event' in piece ? piece.event.length : 0
    return this.#bytes + bytes + piece.height <= fullBytes && this.#lines + piece.height <= fullLines
  }

  add(piece: Piece): void {
    const { line, height } = piece
    if ('blank' in piece) this.#blank.push(line)
    if ('size' in piece) {
      const message = `has ${piece.size.toLocaleString('en-US')} bytes; an event holds at most 8 MiB`
      this.#refused.push({ line, status: 'refused', problem: { code: 'too_large', message } })
    }
    if ('event' in piece) {
      this.#parts.push(piece.event)
      this.#bytes += piece.event.length
      this.#sent++
      if (piece.broken !== undefined) this.#broken.set(line, piece.broken)
    }
    this.#parts.push(Buffer.alloc(height, '\n'))
    this.#bytes += height
    this.#lines += height
  }

  taken(): Batch {
    return {
      line: this.#line,
      lines: this.#lines,
      body: Buffer.concat(this.#parts),
      sent: this.#sent,
      blank: this.#blank,
      broken: this.#broken,
      refused: this.#refused,
    }
  }
}
