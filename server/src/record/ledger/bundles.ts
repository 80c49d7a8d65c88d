// The published entries, read by bundles of 256, the last ones kept in memory.
import { Fault } from '../../fault.ts'
import type { Files } from '../../store/files.ts'
import { readEntries } from './publication.ts'

const KEPT = 1024

export class EntryBundles {
  readonly #files: Files
  readonly #folder: string
  readonly #kept = new Map<string, Uint8Array[]>()

  /** `folder` holds the public log. */
  constructor(files: Files, folder: string) {
    this.#files = files
    this.#folder = folder
  }

  /** The first `width` entries of a bundle. Throws `altered` when they do not read. */
  read(index: number, width: number): Uint8Array[] {
    const key = `${index}/${width}`
    const kept = this.#kept.get(key)
    if (kept) return kept
    let entries: Uint8Array[] | undefined
    try {
      entries = readEntries(this.#files, this.#folder, index, width)
    } catch (cause) {
      throw new Fault(
        'altered',
        `the entry bundle ${index} of ${this.#folder} is altered: ${(cause as Error).message}`,
        {
          cause,
        },
      )
    }
    if (!entries) throw new Fault('altered', `the entry bundle ${index} of ${this.#folder} is missing`)
    if (this.#kept.size >= KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(key, entries)
    return entries
  }
}
