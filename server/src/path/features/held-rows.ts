// Rows of snapshots in memory. A Parquet file is read by row groups: to look one person up in it costs a planned query and
// the decoding of thousands of rows. A file that is asked again is therefore read in once, as columns, and found in by
// the order of its subjects. What is held is what stands in the file: whoever asks holds the file itself against its record.
import { join } from 'node:path'
import type { Column, Columns, Plain } from '../../store/columns.ts'
import { identifier, quote } from '../../store/columns.ts'
import { identityOf } from '../../store/files.ts'
import type { DataFile, Place, Value } from './rows.ts'
import { valuesOf } from './rows.ts'

export type Values = Record<string, Value>

/** Memory for all files together, in bytes, about. */
const LIMIT = 96 * 1024 * 1024
const ID_BYTES = 16
/** A number with its mark; a text costs more, but most are few words that many rows share. */
const VALUE_BYTES = 9
/** Files of which it is remembered that they were asked for once. */
const ASKED = 1000

interface HeldFile {
  /** Of the file on the disk, when it was read. */
  identity: string
  rows: HeldColumns
}

export class HeldRows {
  readonly #place: Place
  readonly #limit: number
  /** By path; the one not used for longest first. */
  readonly #held = new Map<string, HeldFile>()
  readonly #asked = new Set<string>()
  #reading: Promise<void> | undefined
  /** Grows when everything is let go: what is being read then is not kept. */
  #age = 0

  constructor(parts: { place: Place; limit?: number }) {
    this.#place = parts.place
    this.#limit = parts.limit ?? LIMIT
  }

  /** Of all files that are held, about. */
  get bytes(): number {
    return [...this.#held.values()].reduce((sum, { rows }) => sum + rows.bytes, 0)
  }

  /** The values of subjects in a file, given as it is on record now. Throws where it cannot be read. */
  async values(columns: readonly Column[], file: DataFile, subjects: readonly string[]): Promise<Map<string, Values>> {
    const identity = await this.#identity(file)
    const held = this.#held.get(file.path)
    if (held?.identity === identity) {
      this.#held.delete(file.path)
      this.#held.set(file.path, held)
      return new Map(
        subjects.flatMap((subject) => {
          const values = held.rows.of(subject)
          return values ? [[subject, values]] : []
        }),
      )
    }
    if (held) this.#held.delete(file.path)
    // Whoever is asked about once is not worth the reading of everybody.
    if (this.#asked.has(identity)) this.#begin(columns, file, identity)
    else {
      if (this.#asked.size >= ASKED) this.#asked.clear()
      this.#asked.add(identity)
    }
    return valuesOf(this.#place, columns, file.path, subjects)
  }

  /** Lets go of everything: somebody is being erased, or rows have expired. */
  forget(): void {
    this.#age++
    this.#held.clear()
    this.#asked.clear()
  }

  /** Resolves when nothing is being read in. */
  async settled(): Promise<void> {
    await this.#reading
  }

  /** One file at a time, beside the questions. */
  #begin(columns: readonly Column[], file: DataFile, identity: string): void {
    const bytes = file.rows * (ID_BYTES + VALUE_BYTES * columns.length)
    if (this.#reading || bytes > this.#limit) return
    const age = this.#age
    this.#reading = HeldColumns.read(this.#place.columns, join(this.#place.folder, file.path), columns, file.rows)
      .then(async (rows) => {
        if (!rows || rows.bytes > this.#limit || (await this.#identity(file)) !== identity || age !== this.#age) return
        this.#held.set(file.path, { identity, rows })
        for (const path of this.#held.keys()) {
          if (this.bytes <= this.#limit) break
          this.#held.delete(path)
        }
      })
      // What cannot be read is told by the question that was asked.
      .catch(() => {})
      .finally(() => (this.#reading = undefined))
  }

  async #identity({ path, sha256 }: DataFile): Promise<string> {
    return `${path} ${sha256} ${await identityOf(join(this.#place.folder, path))}`
  }
}

/** Values of one column, in the file's order. */
type Cells =
  | { is: 'bigint'; of: BigInt64Array; nulls: Uint8Array }
  | { is: 'double'; of: Float64Array; nulls: Uint8Array }
  | { is: 'other'; of: (Value | undefined)[] }

class HeldColumns {
  readonly bytes: number
  readonly #columns: readonly Column[]
  readonly #subjects: Buffer
  readonly #cells: readonly Cells[]

  private constructor(columns: readonly Column[], subjects: Buffer, cells: readonly Cells[], bytes: number) {
    this.#columns = columns
    this.#subjects = subjects
    this.#cells = cells
    this.bytes = bytes
  }

  /** Undefined for a file that is not as we write them: ordered by subject, each once, as many as are on record. */
  static async read(
    store: Columns,
    path: string,
    columns: readonly Column[],
    rows: number,
  ): Promise<HeldColumns | undefined> {
    const subjects = Buffer.alloc(rows * ID_BYTES)
    const cells = columns.map(({ type }) => emptyCells(type, rows))
    const shared = new Map<string, string>()
    let bytes = subjects.length + rows * VALUE_BYTES * columns.length
    let row = 0
    let ordered = true
    const names = columns.map(({ name }) => identifier(name)).join(', ')
    await store.chunks(`SELECT subject, ${names} FROM read_parquet(${quote(path)})`, ([ids, ...values]) => {
      const from = row
      for (const id of ids as Buffer[]) {
        ordered &&= row < rows && id.length === ID_BYTES && (row === 0 || compareAt(subjects, row - 1, id) < 0)
        if (!ordered) return
        id.copy(subjects, row++ * ID_BYTES)
      }
      for (const [i, cell] of cells.entries()) bytes += put(cell, from, values[i]!, shared)
    })
    return ordered && row === rows ? new HeldColumns(columns, subjects, cells, bytes) : undefined
  }

  of(subject: string): Values | undefined {
    const id = Buffer.from(subject, 'hex')
    let [low, high] = [0, this.#subjects.length / ID_BYTES]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const order = compareAt(this.#subjects, middle, id)
      if (order === 0) return this.#row(middle)
      if (order < 0) low = middle + 1
      else high = middle
    }
    return undefined
  }

  #row(row: number): Values {
    return Object.fromEntries(this.#columns.map(({ name }, i) => [name, cellAt(this.#cells[i]!, row)]))
  }
}

function compareAt(subjects: Buffer, row: number, id: Buffer): number {
  return subjects.compare(id, 0, id.length, row * ID_BYTES, (row + 1) * ID_BYTES)
}

function emptyCells(type: Column['type'], rows: number): Cells {
  if (type === 'BIGINT') return { is: 'bigint', of: new BigInt64Array(rows), nulls: new Uint8Array(rows) }
  if (type === 'DOUBLE') return { is: 'double', of: new Float64Array(rows), nulls: new Uint8Array(rows) }
  return { is: 'other', of: Array.from({ length: rows }) }
}

/** Puts values from a row on; gives what they cost beside their places. Equal texts are kept once. */
function put(cells: Cells, from: number, values: readonly Plain[], shared: Map<string, string>): number {
  let bytes = 0
  for (const [i, value] of values.entries()) {
    const row = from + i
    if (cells.is === 'other') {
      const text = typeof value === 'string' ? shared.get(value) : undefined
      cells.of[row] = text ?? (value as Value)
      if (typeof value !== 'string' || text !== undefined) continue
      shared.set(value, value)
      bytes += 64 + 2 * value.length
    } else if (value === null) cells.nulls[row] = 1
    else if (cells.is === 'bigint') cells.of[row] = value as bigint
    else cells.of[row] = value as number
  }
  return bytes
}

function cellAt(cells: Cells, row: number): Value {
  if (cells.is === 'other') return cells.of[row]!
  return cells.nulls[row] === 1 ? null : cells.of[row]!
}
