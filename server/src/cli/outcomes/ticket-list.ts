// Tickets in a file: CSV with the names of their fields at its head, NDJSON, or JSON. One that cannot be read is told with its
// line and keeps back no other.
import { Ticket } from '@whence/sdk'
import { CsvReader } from '../../rules/files/csv.ts'
import type { Row } from '../../rules/files/csv.ts'
import { lines } from '../../rules/files/lines.ts'
import { Fault } from '../../fault.ts'
import type { Source } from '../files/source.ts'

export type ListedTicket = { line: number; ticket: Ticket } | { line: number; problem: string }

/** Of a JSON array so many bytes are read: it is held whole. */
const MOST_JSON = 64 * 1024 * 1024

const fields = new Set(Object.keys(Ticket.shape))

/** The tickets of a file, in their order. Throws `invalid` for a head that names a column which no ticket has. */
export async function* ticketList(source: Source): AsyncGenerator<ListedTicket> {
  if (source.format === 'csv') yield* ofCsv(source)
  else yield* ofJson(source)
}

async function* ofCsv({ chunks, delimiter }: Source): AsyncGenerator<ListedTicket> {
  const reader = new CsvReader(delimiter)
  let head: string[] | undefined
  const ofRow = (row: Row): ListedTicket | undefined => {
    const { line } = row
    if ('blank' in row) return undefined
    if (!('fields' in row)) return { line, problem: 'broken' in row ? row.broken : 'is too long' }
    if (head === undefined) {
      head = row.fields.map((name) => name.trim())
      const unknown = head.find((name) => !fields.has(name))
      if (unknown !== undefined)
        throw new Fault(
          'invalid',
          `the head of the file names a column "${unknown}", which no ticket has: ${[...fields].join(', ')}`,
        )
      return undefined
    }
    if (row.fields.length !== head.length)
      return { line, problem: `has ${row.fields.length} fields, the head has ${head.length}` }
    const cells = head.map((name, at) => [name, row.fields[at]!] as const).filter(([, cell]) => cell !== '')
    return ticketOf(line, typed(Object.fromEntries(cells)))
  }
  for await (const some of lines(chunks))
    for (const each of some)
      for (const row of reader.read(each)) {
        const read = ofRow(row)
        if (read) yield read
      }
  for (const row of reader.end()) {
    const read = ofRow(row)
    if (read) yield read
  }
}

/** In a cell everything is text. */
function typed(cells: Record<string, string>): Record<string, unknown> {
  const { optOut, ...rest } = cells
  if (optOut === undefined) return rest
  const said = /^(true|yes|1)$/i.test(optOut) ? true : /^(false|no|0)$/i.test(optOut) ? false : optOut
  return { ...rest, optOut: said }
}

async function* ofJson({ chunks }: Source): AsyncGenerator<ListedTicket> {
  // One an array holds, or one a line: what the file begins with tells.
  let array: { pieces: Buffer[]; size: number } | undefined
  let begun = false
  for await (const some of lines(chunks))
    for (const each of some) {
      if (!('bytes' in each)) {
        yield { line: each.number, problem: 'is too long' }
        continue
      }
      if (!begun) {
        const text = each.bytes.toString('utf8').trim()
        if (text === '') continue
        begun = true
        // An object over several lines is one ticket: then it is read whole, too.
        if (text.startsWith('[') || text === '{') array = { pieces: [], size: 0 }
      }
      if (array === undefined) {
        if (each.bytes.toString('utf8').trim() !== '') yield ofLine(each.number, each.bytes)
        continue
      }
      array.size += each.bytes.length
      if (array.size > MOST_JSON)
        throw new Fault('too_large', `a JSON array of more than ${MOST_JSON / 1024 / 1024} MiB: give one ticket a line`)
      array.pieces.push(each.bytes, Buffer.from('\n'))
    }
  if (array === undefined) return
  let whole: unknown
  try {
    whole = JSON.parse(Buffer.concat(array.pieces).toString('utf8'))
  } catch (error) {
    throw new Fault('invalid', `the file is no JSON: ${(error as Error).message}`, { cause: error })
  }
  for (const [at, one] of (Array.isArray(whole) ? whole : [whole]).entries()) yield ticketOf(at + 1, one)
}

function ofLine(line: number, bytes: Buffer): ListedTicket {
  try {
    return ticketOf(line, JSON.parse(bytes.toString('utf8')))
  } catch {
    return { line, problem: 'is no JSON' }
  }
}

function ticketOf(line: number, value: unknown): ListedTicket {
  const read = Ticket.safeParse(value)
  if (read.success) return { line, ticket: value as Ticket }
  const [issue] = read.error.issues
  return { line, problem: `${issue!.path.join('.') || 'the ticket'}: ${issue!.message}` }
}
