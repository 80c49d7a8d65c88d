// Where an answer was cut: its asOf, how many nodes came before, and of which question.
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'

/** What a question is known by. */
export function digestOf(query: unknown): string {
  return hash('sha256', JSON.stringify(query), 'hex').slice(0, 16)
}

export function writeCursor(asOf: number, offset: number, digest: string): string {
  return `${asOf}.${offset}.${digest}`
}

/** The position that an answer was cut at: what follows on it is about the same. Throws `invalid`. */
export function positionOfCursor(cursor: string): number {
  const [, asOf] = /^(\d{1,15})\./.exec(cursor) ?? []
  if (asOf === undefined) throw new Fault('invalid', 'this is no cursor of an answer: ask again without it')
  return Number(asOf)
}

/** Undefined where there is none. Throws `invalid` for that of another question. */
export function readCursor(cursor: string | undefined, digest: string): { asOf: number; offset: number } | undefined {
  if (cursor === undefined) return undefined
  const [, asOf, offset, of] = /^(\d{1,15})\.(\d{1,15})\.([0-9a-f]{16})$/.exec(cursor) ?? []
  if (of !== digest)
    throw new Fault('invalid', 'this cursor is not of this question: ask again without it, or as it was asked before')
  return { asOf: Number(asOf), offset: Number(offset) }
}
