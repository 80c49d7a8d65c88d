// A spine in a CSV file: read line by line, so that what is wrong is said with its line. Nothing of a cell is quoted: it
// may be somebody's name.
import type { SpineColumns } from '@whence/sdk'
import { createReadStream } from 'node:fs'
import { Fault } from '../../fault.ts'
import { CsvReader } from '../../rules/files/csv.ts'
import type { Row } from '../../rules/files/csv.ts'
import { lines } from '../../rules/files/lines.ts'
import { placesIn, readAt, readLabel, readPosition } from './spine-cells.ts'
import type { Places } from './spine-cells.ts'
import type { GivenRow } from './spine.ts'

/** Faults that are listed; what follows them is counted. */
const SHOWN = 10

/** The rows of a file, in batches. Throws `invalid`, with lines, when any of them cannot be read: none is guessed. */
export async function* csvSpine(
  path: string,
  wanted: SpineColumns,
  label: string,
): AsyncGenerator<GivenRow[], void, undefined> {
  const problems = new Problems()
  let reader: CsvReader | undefined
  let places: Places | undefined
  let width = 0
  const take = (rows: readonly Row[]): GivenRow[] =>
    rows.flatMap((row) => {
      if ('blank' in row) return []
      if (places === undefined) {
        const header = headerOf(row)
        width = header.length
        places = placesIn(header, wanted, label)
        return []
      }
      const read = readRow(row, places, width)
      if (typeof read === 'string') problems.add(row.line, read)
      return typeof read === 'string' ? [] : [read]
    })

  for await (const batch of lines(createReadStream(path, { highWaterMark: 1 << 18 }))) {
    const [first] = batch
    reader ??= new CsvReader(first && 'bytes' in first ? delimiterOf(first.bytes) : ',')
    const given: GivenRow[] = []
    for (const line of batch) given.push(...take(reader.read(line)))
    problems.throwIfMany()
    if (given.length > 0) yield given
  }
  const rest = take(reader?.end() ?? [])
  problems.throwIfAny()
  if (places === undefined) throw new Fault('invalid', 'the file is empty: its first line names the columns')
  if (rest.length > 0) yield rest
}

/** What parts the header: a name has none of these in it. */
function delimiterOf(header: Buffer): string {
  const text = header.toString('utf8')
  const counts = [',', ';', '\t', '|'].map((each) => ({ each, count: text.split(each).length }))
  return counts.reduce((a, b) => (b.count > a.count ? b : a)).each
}

function headerOf(row: Row): string[] {
  if ('fields' in row) return row.fields.map((field) => field.trim())
  throw new Fault('invalid', `line ${row.line}: the header ${'broken' in row ? row.broken : 'is too long'}`)
}

function readRow(row: Row, places: Places, width: number): GivenRow | string {
  if (!('fields' in row)) return 'broken' in row ? row.broken : 'is too long'
  const { fields } = row
  if (fields.length !== width) return `has ${fields.length} fields, the header has ${width}`
  const who = fields[places.who.at]!
  if (who === '') return 'names nobody'
  if (places.who.as === 'subject' && !/^[0-9a-f]{32}$/.test(who)) return 'the subject is no subject id (32 hex digits)'
  const at = readAt(fields[places.at]!)
  if (at === undefined) return 'the time is none with a zone: write 2026-03-20T10:00:00Z'
  const label = readLabel(fields[places.label]!)
  if (label === undefined) return 'the label is neither a number nor true or false'
  const asOf = places.asOf === undefined ? null : readPosition(fields[places.asOf]!)
  if (asOf === undefined) return 'the position is no whole number'
  return { [places.who.as]: who, at, label, ...(asOf === null ? {} : { asOf }) }
}

class Problems {
  readonly #shown: string[] = []
  #count = 0

  add(line: number, what: string): void {
    this.#count++
    if (this.#shown.length < SHOWN) this.#shown.push(`line ${line}: ${what}`)
  }

  /** Of a file in which nothing fits, not all is read. */
  throwIfMany(): void {
    if (this.#count > 10_000) this.throwIfAny('; …')
  }

  throwIfAny(more = ''): void {
    if (this.#count === 0) return
    const others = this.#count - this.#shown.length
    const rest = others > 0 ? `; and ${others} more lines` : ''
    throw new Fault('invalid', `the spine cannot be read as it is. ${this.#shown.join('; ')}${rest}${more}`)
  }
}
