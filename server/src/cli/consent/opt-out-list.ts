// A list of people who opted out, read from CSV or NDJSON: a line that cannot be read is told and keeps back no other.
import { Channel, Time } from '@whence/sdk'
import type { OptOut } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import { CsvReader } from '../../rules/files/csv.ts'
import type { Row } from '../../rules/files/csv.ts'
import { lines } from '../../rules/files/lines.ts'
import type { Source } from '../files/source.ts'

export type ListedOptOut = { line: number; optOut: OptOut } | { line: number; problem: string }

export interface ListDefaults {
  /** The column or member that names the person. */
  identifier?: string | undefined
  channel?: string | undefined
  time?: string | undefined
  subjectType?: string | undefined
}

const named = ['identifier', 'customer', 'customer_id', 'email', 'id']

export async function* optOutList(source: Source, defaults: ListDefaults): AsyncGenerator<ListedOptOut> {
  const reader = source.format === 'csv' ? new CsvReader(source.delimiter) : undefined
  let head: string[] | undefined
  const ofRow = (row: Row): ListedOptOut | undefined => {
    const { line } = row
    if ('blank' in row) return undefined
    if (!('fields' in row)) return { line, problem: 'broken' in row ? row.broken : 'is too long' }
    if (!head) {
      head = row.fields.map((name) => name.trim())
      column(head, defaults)
      return undefined
    }
    if (row.fields.length !== head.length)
      return { line, problem: `has ${row.fields.length} fields, the head has ${head.length}` }
    const cells = head.flatMap((name, at) => (row.fields[at]!.trim() === '' ? [] : [[name, row.fields[at]!.trim()]]))
    return listed(line, Object.fromEntries(cells), column(head, defaults), defaults)
  }
  for await (const some of lines(source.chunks)) {
    for (const each of some) {
      if (reader) {
        for (const row of reader.read(each)) {
          const read = ofRow(row)
          if (read) yield read
        }
        continue
      }
      if (!('bytes' in each)) yield { line: each.number, problem: 'is too long' }
      else if (each.bytes.toString('utf8').trim() !== '') yield ofJson(each.number, each.bytes, defaults)
    }
  }
  for (const row of reader?.end() ?? []) {
    const read = ofRow(row)
    if (read) yield read
  }
}

function ofJson(line: number, bytes: Buffer, defaults: ListDefaults): ListedOptOut {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown> | null
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { line, problem: 'is no JSON object' }
    const known = defaults.identifier ?? named.find((name) => name in value)
    return known === undefined ? { line, problem: 'names nobody' } : listed(line, value, known, defaults)
  } catch {
    return { line, problem: 'is no JSON' }
  }
}

function column(head: readonly string[], { identifier }: ListDefaults): string {
  const found = identifier === undefined ? named.find((name) => head.includes(name)) : identifier
  if (found !== undefined && head.includes(found)) return found
  throw new Fault(
    'invalid',
    identifier === undefined
      ? `The list has the columns ${head.join(', ').slice(0, 200)}: say which of them names the person, --identifier COLUMN.`
      : `The list has no column "${identifier}", but ${head.join(', ').slice(0, 200)}.`,
  )
}

function listed(
  line: number,
  cells: Record<string, unknown>,
  identifierColumn: string,
  defaults: ListDefaults,
): ListedOptOut {
  const identifier = cells[identifierColumn]
  if (typeof identifier !== 'string' || identifier === '' || identifier.length > 512)
    return { line, problem: `names nobody in "${identifierColumn}"` }
  const channel = cells.channel ?? defaults.channel
  if (channel !== undefined && !Channel.safeParse(channel).success)
    return { line, problem: `has the channel "${text(channel)}": a word like email` }
  const time = cells.time ?? defaults.time
  if (time !== undefined && !Time.safeParse(time).success)
    return { line, problem: `has the time "${text(time)}": write 2026-03-20T10:00:00Z` }
  const said = {
    identifier,
    ...(channel === undefined ? {} : { channel: channel as string }),
    ...(time === undefined ? {} : { time: time as string }),
    ...(defaults.subjectType === undefined ? {} : { subjectType: defaults.subjectType }),
  }
  // With a time of its own it is the same one when the list is read again; without one it is said anew.
  const id = time === undefined ? {} : { id: `list.${hash('sha256', JSON.stringify(said), 'hex').slice(0, 32)}` }
  return { line, optOut: { ...said, ...id } }
}

function text(value: unknown): string {
  return String(value).slice(0, 64)
}
