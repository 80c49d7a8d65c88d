// Events as features see them: one row each, typed by the stream's contract.
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import type { Column, Field } from '../../store/columns.ts'
import { identifier } from '../../store/columns.ts'

export interface EventRow {
  /** Position on the ledger. */
  seq: number
  /** The subject's id: 32 lower-case hex digits. */
  subject: string
  /** Event time: when it happened. */
  time: Micros
  /** When it was known, by the contract's `knownAt`. */
  known: Micros
  /** In the order of the stream's columns, as `Field` in store/columns.ts takes them. */
  values: readonly unknown[]
}

/** What the ledger knows about the events of a stream. */
export interface EventSource {
  /**
   * The stream's events with from <= seq < to, in order of seq, in batches; those of erased subjects left out. With
   * `recent` they may come as the door has just read them; else each is opened.
   */
  events(stream: string, from: number, to: number, use?: { recent: boolean }): AsyncIterable<readonly EventRow[]>
  /** The seqs of the stream's events in the range, those of erased subjects left out, ascending; read from the tree. */
  members(stream: string, from: number, to: number): Promise<ArrayLike<number>>
}

/** A stream as its contract describes it. */
export interface StreamShape {
  stream: string
  /** The contract's id and version: `touchpoints@1.0.0`. */
  contract: string
  columns: readonly Column[]
}

const own = new Set(['seq', 'subject', 'time', 'known', 'as_of', 'row'])

/** The name of a contract's column in a file: its own, or `field.name` when the name is one of ours. */
export function storedName(name: string): string {
  return own.has(name.toLowerCase()) || /^(field\.|in:)/i.test(name) ? `field.${name}` : name
}

/** A contract's columns with the names that they have in files. Two that differ only in case are refused, as in SQL. */
export function storedColumns(stream: string, columns: readonly Column[]): Column[] {
  const seen = new Set<string>()
  return columns.map(({ name, type }) => {
    const key = name.toLowerCase()
    if (seen.has(key)) throw new Fault('invalid', `The contract of ${stream} has two columns called ${name}.`)
    seen.add(key)
    return { name: storedName(name), type }
  })
}

/** How an event becomes a row of a table: the four columns of ours, then the contract's. */
export function eventFields(stream: string, columns: readonly Column[]): Field<EventRow>[] {
  return [
    { name: 'seq', type: 'BIGINT', of: (event) => event.seq },
    { name: 'subject', type: 'BLOB', of: (event) => event.subject },
    { name: 'time', type: 'TIMESTAMP', of: (event) => event.time },
    { name: 'known', type: 'TIMESTAMP', of: (event) => event.known },
    ...storedColumns(stream, columns).map(({ name, type }, index): Field<EventRow> => ({
      name,
      type,
      of: (event) => event.values[index],
    })),
  ]
}

/** A relation without rows that has the columns of a stream's events. */
export function noEvents(stream: string, columns: readonly Column[]): string {
  const typed = [
    'NULL::BIGINT AS seq',
    'NULL::BLOB AS subject',
    'NULL::TIMESTAMP AS time',
    'NULL::TIMESTAMP AS known',
    ...storedColumns(stream, columns).map(({ name, type }) => `NULL::${type} AS ${identifier(name)}`),
  ]
  return `(SELECT ${typed.join(', ')} WHERE false)`
}

/** A subject's id as an SQL constant. */
export function subjectLiteral(subject: string): string {
  if (!/^[0-9a-f]{32}$/.test(subject)) throw new Fault('invalid', `"${subject}" is no subject id (32 hex digits).`)
  return `'${subject.replace(/../g, '\\x$&')}'::BLOB`
}
