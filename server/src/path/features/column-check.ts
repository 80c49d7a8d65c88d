// Column files held against the ledger: the events that they must have, and every value of them.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Column, Columns } from '../../store/columns.ts'
import { identifier, quote } from '../../store/columns.ts'
import { digestOf } from '../../store/files.ts'
import type { ColumnFile, FileProblem } from './column-file.ts'
import { eventFields } from './events.ts'
import type { EventSource } from './events.ts'

type Problem = (kind: FileProblem['problem'], sentence: string, seq?: number) => FileProblem

/** Checks the files of one stream, and remembers those that were in order as long as they stay as they are. */
export class ColumnCheck {
  readonly #columns: Columns
  readonly #folder: string
  readonly #source: EventSource
  readonly #name: string
  readonly #inOrder = new Map<string, string>()

  constructor(columns: Columns, folder: string, source: EventSource, name: string) {
    this.#columns = columns
    this.#folder = folder
    this.#source = source
    this.#name = name
  }

  forget(path: string): void {
    this.#inOrder.delete(path)
  }

  async file(file: ColumnFile, deep: boolean): Promise<FileProblem[]> {
    const problem: Problem = (kind, sentence, seq) => ({
      stream: this.#name,
      path: file.path,
      problem: kind,
      ...(seq === undefined ? {} : { seq }),
      sentence,
    })
    const full = join(this.#folder, file.path)
    const { ino, size, mtimeNs, ctimeNs } = await stat(full, { bigint: true }).catch(() => ({
      ino: 0n,
      size: -1n,
      mtimeNs: 0n,
      ctimeNs: 0n,
    }))
    if (size < 0n) return [problem('missing', `${file.path} is gone; rebuild the columns of ${this.#name}.`)]
    const stamp = [ino, size, mtimeNs, ctimeNs, file.sha256].join(' ')
    if (!deep && this.#inOrder.get(file.path) === stamp) return []

    const problems: FileProblem[] = []
    const digest = await digestOf(full)
    try {
      problems.push(...(await this.#checkMembers(file, problem)))
      if (deep || digest !== file.sha256) problems.push(...(await this.#compare(file, problem)))
    } catch (error) {
      problems.push(problem('altered', `${file.path} cannot be read: ${(error as Error).message}`))
    }
    if (digest !== file.sha256 && problems.length === 0) {
      problems.push(problem('altered', `${file.path} has other bytes than were written, though the same events.`))
    }
    if (problems.length === 0) this.#inOrder.set(file.path, stamp)
    return problems
  }

  async #checkMembers(file: ColumnFile, problem: Problem): Promise<FileProblem[]> {
    // One bit for each position of the range: the ledger's events, and those found in the file.
    const expected = new Uint8Array(Math.ceil((file.to - file.from) / 8))
    const found = new Uint8Array(expected.length)
    const members = await this.#source.members(this.#name, file.from, file.to)
    for (let index = 0; index < members.length; index++) mark(expected, members[index]! - file.from)

    const problems: FileProblem[] = []
    const extra = (seq: number, words: string): void => {
      problems.push(problem('extra', `${file.path} ${words}.`, seq))
    }
    const path = quote(join(this.#folder, file.path))
    await this.#columns.numbers(`SELECT seq FROM read_parquet(${path})`, (seqs) => {
      for (const seq of seqs) {
        const place = seq - file.from
        const inRange = place >= 0 && seq < file.to
        if (!inRange || !isMarked(expected, place)) extra(seq, `has event ${seq}, which the ledger has not`)
        else if (isMarked(found, place)) extra(seq, `has event ${seq} more than once`)
        if (inRange) mark(found, place)
      }
    })
    for (let index = 0; index < members.length; index++) {
      const seq = members[index]!
      if (isMarked(found, seq - file.from)) continue
      problems.push(problem('missing', `${file.path} lacks event ${seq}, which the ledger has.`, seq))
    }
    return problems.toSorted((a, b) => a.seq! - b.seq!)
  }

  /** What is wrong with the values of a file that the manifest does not name. */
  async elsewhere(path: string): Promise<string[]> {
    const from = `read_parquet(${quote(join(this.#folder, path))})`
    const described = (await this.#columns.describe(`SELECT * FROM ${from}`)) as Column[]
    const range = await this.#columns.row<{ rows: bigint; from: bigint | null; to: bigint | null }>(
      `SELECT count(*) AS rows, min(seq) AS "from", max(seq) + 1 AS "to" FROM ${from}`,
    )
    const columns = described.filter(({ name }) => !['seq', 'subject', 'time', 'known'].includes(name))
    const file = { path, from: Number(range.from ?? 0), to: Number(range.to ?? 0), rows: Number(range.rows), columns }
    const problem: Problem = (kind, sentence, seq) => ({
      stream: this.#name,
      path,
      problem: kind,
      ...(seq === undefined ? {} : { seq }),
      sentence,
    })
    const whole = { ...file, sha256: '', bytes: 0 }
    const found = [...(await this.#checkMembers(whole, problem)), ...(await this.#compare(whole, problem))]
    return found.map(({ sentence }) => sentence)
  }

  /** Compares every value of a file with the ledger's events. */
  async #compare(file: ColumnFile, problem: Problem): Promise<FileProblem[]> {
    return this.#columns.session(async (session) => {
      const fields = eventFields(this.#name, file.columns).map((field, index) =>
        index < 4 ? field : { ...field, name: file.columns[index - 4]!.name },
      )
      await session.load('expected', fields, this.#source.events(this.#name, file.from, file.to))
      const names = fields.map(({ name }) => identifier(name))
      const path = quote(join(this.#folder, file.path))
      const changed = names.map((name) => `e.${name} IS DISTINCT FROM f.${name}`).join(' OR ')
      const rows = await session.rows<{ seq: bigint }>(
        `SELECT seq FROM expected e JOIN (SELECT ${names.join(', ')} FROM read_parquet(${path})) f USING (seq)
         WHERE ${changed} ORDER BY seq LIMIT 1000`,
      )
      return rows.map(({ seq }) =>
        problem('altered', `Event ${seq} in ${file.path} is not the one on the ledger.`, Number(seq)),
      )
    })
  }

  /** The range after the last file has no events. */
  async rest(from: number, to: number): Promise<FileProblem[]> {
    const key = `${from}-${to}`
    if (from >= to || this.#inOrder.has(key)) return []
    const members = Array.from(await this.#source.members(this.#name, from, to))
    if (members.length === 0) this.#inOrder.set(key, '')
    return members.map((seq) => ({
      stream: this.#name,
      path: `columns/${this.#name}/manifest.json`,
      problem: 'missing',
      seq,
      sentence: `No column file has event ${seq} of ${this.#name}, which the ledger has.`,
    }))
  }
}

function mark(bits: Uint8Array, place: number): void {
  bits[place >>> 3]! |= 1 << (place & 7)
}

function isMarked(bits: Uint8Array, place: number): boolean {
  return (bits[place >>> 3]! & (1 << (place & 7))) !== 0
}
