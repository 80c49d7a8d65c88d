import { LedgerFault } from './fault.ts'
import type { TileReader } from './reading.ts'
import { decodeBundle, fullTile, TILE_WIDTH, tilePath, tileWidth } from './tiles.ts'
import type { TileName } from './tiles.ts'
import { HASH_BYTES } from './tree.ts'
import type { LogProblemCode } from './verify-log.ts'

/** A tile as it is stored, cut to the width that the tree has, and the path that it was found at. */
export type StoredTile = { readonly path: string; readonly hashes: Uint8Array }
/** An entry bundle as it is stored, cut likewise. */
export type StoredBundle = { readonly path: string; readonly entries: readonly Uint8Array[] }

/** The files that begin with one bundle: it, its tile, and the tiles of each level above that begin there. */
export type Block = { readonly bundle: StoredBundle | undefined; readonly tiles: readonly (StoredTile | undefined)[] }

/** Reports a problem of the file at this path. */
export type Report = (path: string, code: LogProblemCode, message: string) => void

/**
 * Reads the files of a log of `size` entries, block by block, each file once. Reports those that are missing, unreadable
 * or of the wrong form.
 */
export class LogFiles {
  readonly #read: TileReader
  readonly #size: number
  readonly #report: Report

  constructor(read: TileReader, size: number, report: Report) {
    this.#read = read
    this.#size = size
    this.#report = report
  }

  /** The block of bundle `index`; what is undefined is reported. */
  async block(index: number): Promise<Block> {
    const bundle = this.#bundle({ level: 'entries', index, width: tileWidth(0, index, this.#size) })
    const tiles: Promise<StoredTile | undefined>[] = []
    for (let level = 0, at = index; ; level++, at /= TILE_WIDTH) {
      const width = tileWidth(level, at, this.#size)
      if (width === 0) break
      tiles.push(this.#tile({ level, index: at, width }))
      if (at % TILE_WIDTH !== 0) break
    }
    return { bundle: await bundle, tiles: await Promise.all(tiles) }
  }

  async #bundle(name: TileName): Promise<StoredBundle | undefined> {
    const file = await this.#file(name)
    if (file === undefined) return undefined
    try {
      return { path: file.path, entries: decodeBundle(file.bytes, file.width).slice(0, name.width) }
    } catch (error) {
      if (!(error instanceof LedgerFault)) throw error
      this.#report(file.path, 'malformed', error.message)
      return undefined
    }
  }

  async #tile(name: TileName): Promise<StoredTile | undefined> {
    const file = await this.#file(name)
    if (file === undefined) return undefined
    const length = file.width * HASH_BYTES
    if (file.bytes.length === length) {
      return { path: file.path, hashes: file.bytes.subarray(0, name.width * HASH_BYTES) }
    }
    this.#report(file.path, 'malformed', `the tile has ${file.bytes.length} bytes, not ${length}`)
    return undefined
  }

  async #file(name: TileName): Promise<{ path: string; width: number; bytes: Uint8Array } | undefined> {
    for (const candidate of name.width < TILE_WIDTH ? [name, fullTile(name)] : [name]) {
      const path = tilePath(candidate)
      try {
        const bytes = await this.#read(path)
        if (bytes !== undefined) return { path, width: candidate.width, bytes }
      } catch (error) {
        this.#report(path, 'unreadable', String(error))
        return undefined
      }
    }
    this.#report(tilePath(name), 'missing', 'a tree of the signed size has this file; the log has not')
    return undefined
  }
}
