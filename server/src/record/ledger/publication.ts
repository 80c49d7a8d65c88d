// Publication: tiles, entry bundles, payloads and checkpoint, in the standard layout, from what is already durable in
// the journal. Whatever stops it half-way is done again from the journal: every step may be repeated.
import { decodeBundle, encodeBundle, fullTile, newBundles, TILE_WIDTH, tilePath } from '@whence/ledger'
import type { CutTile, TileName } from '@whence/ledger'
import { dirname } from 'node:path'
import type { Files } from '../../store/files.ts'
import type { KeyStore } from '../../store/keys.ts'
import type { Archive } from './archive.ts'
import type { Journal, JournalRecord } from './journal.ts'
import type { Pin } from './pin.ts'

/** A record that is durable in the journal and not yet published. */
export interface CommittedRecord extends JournalRecord {
  readonly leaf: Uint8Array
}

export interface Edition {
  readonly from: number
  readonly records: readonly CommittedRecord[]
  readonly tiles: readonly CutTile[]
  readonly checkpoint: string
}

export class Publication {
  readonly #files: Files
  readonly #folder: string
  readonly #archive: Archive
  readonly #keys: KeyStore
  readonly #journal: Journal
  readonly #pin: Pin
  /** The entries of the last, partial bundle. */
  #edge: Uint8Array[]

  constructor(parts: {
    files: Files
    folder: string
    archive: Archive
    keys: KeyStore
    journal: Journal
    pin: Pin
    size: number
  }) {
    this.#files = parts.files
    this.#folder = parts.folder
    this.#archive = parts.archive
    this.#keys = parts.keys
    this.#journal = parts.journal
    this.#pin = parts.pin
    const index = Math.floor(parts.size / TILE_WIDTH)
    const width = parts.size % TILE_WIDTH
    this.#edge = width === 0 ? [] : (readEntries(parts.files, parts.folder, index, width) ?? [])
  }

  async publish(edition: Edition): Promise<void> {
    const { from, records, tiles, checkpoint } = edition
    const to = from + records.length
    await this.#archive.append(records)

    const start = from - this.#edge.length
    const entries = [...this.#edge, ...records.map((record) => record.entry)]
    const bundles = newBundles(from, to).map((name) => {
      const first = name.index * TILE_WIDTH - start
      return { path: tilePath(name), bytes: encodeBundle(entries.slice(first, first + name.width)) }
    })
    const written = [...bundles, ...tiles.map(({ tile, bytes }) => ({ path: tilePath(tile), bytes }))]
    await inParallel(written, (file) => this.#files.replace(`${this.#folder}/${file.path}`, file.bytes))
    const folders = new Set(
      written.map((file) => dirname(`${this.#folder}/${file.path}`)).flatMap((folder) => [folder, dirname(folder)]),
    )
    await inParallel([...folders], (folder) => this.#files.syncFolder(folder))

    await this.#keys.flush()
    await this.#files.replace(`${this.#folder}/checkpoint`, Buffer.from(checkpoint))
    await this.#files.syncFolder(this.#folder)
    await this.#pin.write(checkpoint)
    await this.#journal.drop(to)

    this.#edge = entries.slice(entries.length - (to % TILE_WIDTH))
    if (to % TILE_WIDTH === 0) this.#edge = []
    const full = written.filter((file) => !file.path.includes('.p/'))
    await inParallel(full, (file) => this.#files.remove(`${this.#folder}/${file.path}.p`))
  }
}

/**
 * The first `width` entries of a bundle, or undefined when there is none. Where the partial bundle is gone the full one
 * holds them: it may be there before the checkpoint that counts it.
 */
export function readEntries(files: Files, folder: string, index: number, width: number): Uint8Array[] | undefined {
  const name: TileName = { level: 'entries', index, width }
  const bytes = files.read(`${folder}/${tilePath(name)}`)
  if (bytes) return decodeBundle(bytes, width)
  const full = width < TILE_WIDTH ? files.read(`${folder}/${tilePath(fullTile(name))}`) : undefined
  return full && decodeBundle(full, TILE_WIDTH).slice(0, width)
}

async function inParallel<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<void>,
  workers = 8,
): Promise<void> {
  const rest = items.values()
  const work = async (): Promise<void> => {
    for (const item of rest) await run(item)
  }
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, work))
}
