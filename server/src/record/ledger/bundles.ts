// The published entries, read by bundles of 256, the last ones kept in memory.
import { fullTile, TILE_WIDTH, tilePath } from '@whence/ledger'
import type { TileName } from '@whence/ledger'
import { Fault } from '../../fault.ts'
import type { Files } from '../../store/files.ts'

/** A bundle in memory. What is read next takes the place of what was used longest ago, in the same buffer. */
interface Kept {
  bytes: Uint8Array
  /** Where each entry ends; its length stands in the two bytes before it. */
  readonly ends: Uint32Array
}

export class EntryBundles {
  readonly #files: Pick<Files, 'readInto'>
  readonly #folder: string
  readonly #most: number
  readonly #kept = new Map<string, Kept>()

  /** `folder` holds the public log; so many bundles are kept. */
  constructor(files: Pick<Files, 'readInto'>, folder: string, most = 1024) {
    this.#files = files
    this.#folder = folder
    this.#most = most
  }

  /** A copy of the entry at a place of a bundle that has `width` of them. Throws `altered` when the bundle does not read. */
  entry(index: number, width: number, place: number): Uint8Array {
    const { bytes, ends } = this.#bundle(index, width)
    const start = place === 0 ? 0 : ends[place - 1]!
    return Buffer.from(bytes.subarray(start + 2, ends[place]))
  }

  #bundle(index: number, width: number): Kept {
    const key = `${index}/${width}`
    const known = this.#kept.get(key)
    if (known) return known
    let kept: Kept = { bytes: new Uint8Array(), ends: new Uint32Array(TILE_WIDTH) }
    if (this.#kept.size >= this.#most) {
      const [oldest, one] = this.#kept.entries().next().value!
      this.#kept.delete(oldest)
      kept = one
    }
    const room = new Uint8Array(kept.bytes.buffer)
    const name: TileName = { level: 'entries', index, width }
    const read = (of: TileName): Uint8Array | undefined => this.#files.readInto(`${this.#folder}/${tilePath(of)}`, room)
    // The partial bundle is gone where a later publication has filled it.
    const own = read(name)
    const bytes = own ?? (width < TILE_WIDTH ? read(fullTile(name)) : undefined)
    if (!bytes) throw new Fault('altered', `the entry bundle ${index} of ${this.#folder} is missing`)
    const wrong = divide(bytes, own ? width : TILE_WIDTH, kept.ends)
    if (wrong !== undefined)
      throw new Fault('altered', `the entry bundle ${index} of ${this.#folder} is altered: ${wrong}`)
    kept.bytes = bytes
    this.#kept.set(key, kept)
    return kept
  }
}

/** Notes where each of `width` entries ends; or says why they are not there. */
function divide(bytes: Uint8Array, width: number, ends: Uint32Array): string | undefined {
  let at = 0
  for (let i = 0; i < width; i++) {
    at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!)
    if (at > bytes.length) return `it ends within entry ${i} of ${width}`
    ends[i] = at
  }
  return at === bytes.length ? undefined : `${bytes.length - at} bytes follow its ${width} entries`
}
