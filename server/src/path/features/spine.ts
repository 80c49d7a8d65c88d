// A spine: whom the rows of a training set are about, when, and what came of it. Whatever it was read from, here it is
// only random subject ids, times and labels, held in flat arrays: 40 bytes a row.
import { Fault } from '../../fault.ts'
import type { Subjects } from '../../record/subjects/subjects.ts'
import type { Micros } from '../../record/time.ts'
import type { Field } from '../../store/columns.ts'

/** A row as it is given: about an identifier or a subject. `label` null: there is none. */
export interface GivenRow {
  subject?: string | undefined
  entity?: string | undefined
  at: Micros
  label: number | boolean | null
  asOf?: number | undefined
}

/** Rows of the spine that are in no set, by why. */
export interface LeftOut {
  unknown: number
  erased: number
  objected: number
  future: number
  unlabelled: number
}

/** By what the rows are judged. */
export interface SpineRules {
  subjects: Pick<Subjects, 'idOf' | 'isGone'>
  /** The type of subject that identifiers are of. */
  entity: string
  /** The set's position: no row's own can be later. */
  asOf: number
  /** Rows of a later time are left out. */
  now: Micros
  objected: ReadonlySet<string>
}

/** As many rows as one set may have: twice as many would not fit into the arrays of a small machine. */
export const MOST_ROWS = 5_000_000

const SUBJECT_BYTES = 16

export class Spine {
  #subjects = Buffer.allocUnsafe(1024 * SUBJECT_BYTES)
  #at = new Float64Array(1024)
  #upto = new Float64Array(1024)
  #labels = new Float64Array(1024)
  #logical: boolean | undefined
  #ownPositions = false
  #rows = 0
  readonly leftOut: LeftOut = { unknown: 0, erased: 0, objected: 0, future: 0, unlabelled: 0 }

  /** A spine of rows that are all about known subjects. */
  static of(
    rows: readonly { subject: string; at: Micros; label: number | boolean; asOf?: number }[],
    asOf: number,
  ): Spine {
    const spine = new Spine()
    for (const row of rows) spine.#keep(row.subject, row, asOf)
    return spine
  }

  get rows(): number {
    return this.#rows
  }

  /** Whether labels are booleans; numbers otherwise. */
  get logical(): boolean {
    return this.#logical ?? false
  }

  /** Whether any row has a position of its own. */
  get ownPositions(): boolean {
    return this.#ownPositions
  }

  /** Takes rows as they are given; those that belong into no set are counted and left out. */
  add(rows: readonly GivenRow[], rules: SpineRules): void {
    for (const row of rows) {
      if (row.label === null) this.leftOut.unlabelled++
      else if (row.at > rules.now) this.leftOut.future++
      else {
        const subject = subjectOf(row, rules)
        if (subject === undefined) this.leftOut.unknown++
        else if (subject === 'erased') this.leftOut.erased++
        else if (rules.objected.has(subject)) this.leftOut.objected++
        else this.#keep(subject, { ...row, label: row.label }, rules.asOf)
      }
    }
  }

  #keep(
    subject: string,
    { at, label, asOf }: Omit<GivenRow, 'label'> & { label: number | boolean },
    most: number,
  ): void {
    const logical = typeof label === 'boolean'
    this.#logical ??= logical
    if (this.#logical !== logical) throw new Fault('invalid', 'Labels are all numbers or all booleans.')
    if (this.#rows === this.#at.length) this.#grow()
    const row = this.#rows++
    if (row >= MOST_ROWS) throw new Fault('too_large', `a training set has at most ${MOST_ROWS} rows: make several`)
    this.#subjects.write(subject, row * SUBJECT_BYTES, 'hex')
    this.#at[row] = at
    this.#upto[row] = Math.min(asOf ?? most, most)
    if (asOf !== undefined && asOf < most) this.#ownPositions = true
    this.#labels[row] = Number(label)
  }

  #grow(): void {
    const size = this.#at.length * 2
    const grown = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(size)
      to.set(from)
      return to
    }
    const subjects = Buffer.allocUnsafe(size * SUBJECT_BYTES)
    this.#subjects.copy(subjects)
    this.#subjects = subjects
    this.#at = grown(this.#at)
    this.#upto = grown(this.#upto)
    this.#labels = grown(this.#labels)
  }

  /** The columns of a table of it; `batches` are numbers of its rows. */
  fields(): Field<number>[] {
    const subject = (row: number): Uint8Array => this.#subjects.subarray(row * SUBJECT_BYTES, (row + 1) * SUBJECT_BYTES)
    return [
      { name: 'row', type: 'BIGINT', of: (row) => row },
      { name: 'subject', type: 'BLOB', of: subject },
      { name: 'at', type: 'TIMESTAMP', of: (row) => this.#at[row] },
      { name: 'upto', type: 'BIGINT', of: (row) => this.#upto[row] },
      this.logical
        ? { name: 'label', type: 'BOOLEAN', of: (row) => this.#labels[row] === 1 }
        : { name: 'label', type: 'DOUBLE', of: (row) => this.#labels[row] },
    ]
  }

  *batches(size = 10_000): Generator<number[]> {
    for (let from = 0; from < this.#rows; from += size)
      yield Array.from({ length: Math.min(size, this.#rows - from) }, (_, i) => from + i)
  }
}

function subjectOf({ subject, entity }: GivenRow, { subjects, entity: type }: SpineRules): string | undefined {
  if (subject !== undefined) return subjects.isGone(subject) ? undefined : subject
  if (entity === undefined) throw new Fault('invalid', 'each row of the spine needs "entity" or "subject"')
  return subjects.idOf(type, entity)
}
