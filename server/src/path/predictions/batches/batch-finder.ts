// Where the rows of an id are: asked of the index that each batch has of its ids.
import type { HmacKey } from '../../../record/subjects/hmac.ts'
import { predictionIdentity } from '../recorded.ts'
import type { Batch, BatchBook } from './batch-book.ts'
import { findInIndex } from './id-index.ts'

/** Indexes that are looked into in one turn of the event loop. */
const LOOKS = 64

export interface BatchFinderParts {
  book: BatchBook
  idKey: HmacKey
  /** Reads of a file, by its path in the folder: at an offset, so many bytes. */
  reader(path: string): (at: number, length: number) => Uint8Array
}

export class BatchFinder {
  readonly #parts: BatchFinderParts

  constructor(parts: BatchFinderParts) {
    this.#parts = parts
  }

  /** The rows that have this id, in all batches: positions and row numbers, oldest first. */
  async locate(id: string): Promise<{ seq: number; row: number }[]> {
    const rowOf = this.#rowOf(id)
    const found: { seq: number; row: number }[] = []
    for (const batch of await this.#parts.book.all()) {
      const row = rowOf(batch)
      if (row !== undefined) found.push({ seq: batch.seq, row })
    }
    return found.reverse()
  }

  /** The model versions of all batches that have a row of this id: of each version the newest such batch is enough. */
  async modelsOf(id: string): Promise<Set<string>> {
    const rowOf = this.#rowOf(id)
    const models = new Set<string>()
    let looked = 0
    for (const batch of await this.#parts.book.all()) {
      if (models.has(batch.model)) continue
      if (++looked % LOOKS === 0) await new Promise((resolve) => setImmediate(resolve))
      if (rowOf(batch) !== undefined) models.add(batch.model)
    }
    return models
  }

  /** Finds the row of an id in one batch after the other. */
  #rowOf(id: string): (batch: Batch) => number | undefined {
    const { idKey, reader } = this.#parts
    const digests = new Map<string, Buffer>()
    return ({ source, rows, files }) => {
      let digest = digests.get(source)
      if (!digest) {
        digest = predictionIdentity(idKey, source, id)
        digests.set(source, digest)
      }
      return findInIndex(reader(files[2]!.path), rows, digest)
    }
  }
}
