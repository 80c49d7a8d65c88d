// Events as column files: what features are computed from. Derived from the ledger, and checked against it.
//
//   columns/<stream>/<from>-<to>.parquet   the stream's events with from <= seq < to, sorted by subject, time, seq
//   columns/<stream>/manifest.json         which files count, with their digests; replaced atomically
//
// A file never changes: growing, merging and erasing write a new one and switch the manifest. What the manifest does not
// name is left over from a crash and is deleted when the stream is first touched.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, isFault } from '../../fault.ts'
import type { Column } from '../../store/columns.ts'
import type { ColumnFile, FileProblem, Input, Rewritten } from './column-file.ts'
import { relationOf } from './column-file.ts'
import { ColumnStream } from './column-stream.ts'
import type { EventColumnsOptions } from './column-stream.ts'
import type { Relations } from './compile.ts'
import type { StreamShape } from './events.ts'

export type { ColumnFile, FileProblem, Input, Rewritten } from './column-file.ts'
export type { EventColumnsOptions } from './column-stream.ts'

export class EventColumns {
  readonly #options: EventColumnsOptions
  readonly #folder: string
  readonly #streams = new Map<string, Promise<ColumnStream>>()

  constructor(options: EventColumnsOptions) {
    this.#options = options
    this.#folder = options.folder
  }

  /** Brings the files of a stream up to a position. Durable when it returns; calls for one stream wait for each other. */
  async extend(stream: string, columns: readonly Column[], to: number): Promise<void> {
    const own = await this.#stream(stream)
    await own.extend(columns, to)
  }

  /** Events before this seq are in the files. */
  async position(stream: string): Promise<number> {
    return (await this.#stream(stream)).manifest.to
  }

  /** The files of a stream that hold events before `asOf`. */
  async files(stream: string, asOf = Infinity): Promise<ColumnFile[]> {
    return (await this.#stream(stream)).manifest.files.filter((file) => file.from < asOf)
  }

  /** Lends the files of a stream as they are now: none of them goes while `work` runs. */
  async lend<T>(stream: string, work: (files: readonly ColumnFile[]) => Promise<T>): Promise<T> {
    const own = await this.#stream(stream)
    const { files } = own.manifest
    own.hold(files)
    try {
      return await work(files)
    } finally {
      await own.release(files)
    }
  }

  /**
   * Lends the events before `asOf` of some streams as SQL relations; the files stay while `work` runs. The streams must
   * have been extended to `asOf`.
   */
  async use<T>(
    shapes: readonly StreamShape[],
    asOf: number,
    work: (relations: Relations, inputs: Input[]) => Promise<T>,
  ): Promise<T> {
    const held: { own: ColumnStream; files: ColumnFile[] }[] = []
    try {
      const relations = new Map<string, string>()
      const inputs: Input[] = []
      for (const { stream, contract, columns } of shapes) {
        const own = await this.#stream(stream)
        if (own.manifest.to < asOf) {
          throw new Fault(
            'internal',
            `The columns of ${stream} end at ${own.manifest.to}, before ${asOf}: extend them.`,
          )
        }
        const files = own.manifest.files.filter((file) => file.from < asOf)
        own.hold(files)
        held.push({ own, files })
        relations.set(stream, relationOf(this.#folder, stream, columns, files))
        inputs.push({
          stream,
          contract,
          files: files.map(({ path, sha256, from, to, rows }) => ({ path, sha256, from, to, rows })),
        })
      }
      return await work((stream) => relations.get(stream)!, inputs)
    } finally {
      for (const { own, files } of held) await own.release(files)
    }
  }

  /**
   * Holds every file against its digest, and its events against the ledger. `deep` compares every value, not only
   * those of altered files. What was found in order is remembered as long as the file's inode, size and times stay.
   */
  async check(stream: string, options: { deep?: boolean } = {}): Promise<FileProblem[]> {
    return (await this.#stream(stream)).check(options.deep ?? false)
  }

  /** Which events of a file elsewhere (in a table, of an earlier state) are not those of the ledger; each a sentence. */
  async altered(stream: string, path: string): Promise<string[]> {
    return (await this.#stream(stream)).altered(path)
  }

  /**
   * Writes the files again without the rows of some subjects. Their old versions are gone from the disk when it returns.
   * What is rewritten is told to `noting` before it counts: after a crash a second call finds nothing left to do.
   */
  async remove(
    stream: string,
    subjects: string | readonly string[],
    noting: (rewritten: readonly Rewritten[]) => Promise<void> = async () => {},
  ): Promise<Rewritten[]> {
    return (await this.#stream(stream)).remove([subjects].flat(), noting)
  }

  /** Drops a stream's files and makes them again from the ledger. */
  async rebuild(stream: string, columns: readonly Column[], to: number): Promise<void> {
    const own = await this.#stream(stream).catch(async (error: unknown) => {
      if (!isFault(error, 'altered')) throw error
      await rm(join(this.#folder, 'columns', stream), { recursive: true })
      return this.#stream(stream)
    })
    await own.reset()
    await own.extend(columns, to)
  }

  /** Waits until merging in the background has come to rest. */
  async settled(): Promise<void> {
    for (const own of this.#streams.values()) await (await own).settled()
  }

  #stream(stream: string): Promise<ColumnStream> {
    let own = this.#streams.get(stream)
    if (!own) {
      own = ColumnStream.open(this.#options, stream)
      this.#streams.set(stream, own)
      // A stream that could not be opened is tried again at the next call.
      own.catch(() => this.#streams.delete(stream))
    }
    return own
  }
}
