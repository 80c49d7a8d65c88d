// A whole log in memory, for tests, benchmarks and examples.
import { canonicalBytes } from './canonical.ts'
import { signCheckpoint } from './checkpoint.ts'
import { signerFromSeed } from './ed25519.ts'
import { fromHex, toUtf8 } from './encoding.ts'
import { GrowingTiles } from './growing-tiles.ts'
import { verifierKey } from './note.ts'
import type { Signer } from './note.ts'
import { CHECKPOINT_PATH, encodeBundle, newBundles, TILE_WIDTH, tilePath } from './tiles.ts'
import { leafHash } from './tree.ts'

/** The files of a log by path, and the text of its verifier key. */
export type SampleLog = { readonly files: Map<string, Uint8Array>; readonly vkey: string }

/** The origin of the sample log. */
export const SAMPLE_ORIGIN = 'ledger.example/demo'

/** The seeds of tests 1 and 2 of RFC 8032, section 7.1: of the sample log, and of its witness. */
export const SAMPLE_SEED = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
export const WITNESS_SEED = fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')

/** Entry `n` of the sample log: {"n":n}. */
export function sampleEntry(n: number): Uint8Array {
  return canonicalBytes({ n })
}

/** The one who signs the sample log. */
export function sampleSigner(): Promise<Signer> {
  return signerFromSeed(SAMPLE_ORIGIN, SAMPLE_SEED)
}

/**
 * Makes a log of `size` entries: its bundles, tiles and signed checkpoint.
 *
 * @example const { files, vkey } = await sampleLog(70_000)
 */
export async function sampleLog(size: number, entryOf = sampleEntry): Promise<SampleLog> {
  const files = new Map<string, Uint8Array>()
  const tree = new GrowingTiles()
  for (const bundle of newBundles(0, size)) {
    const entries: Uint8Array[] = []
    for (let i = 0; i < bundle.width; i++) entries.push(entryOf(bundle.index * TILE_WIDTH + i))
    for (const entry of entries) tree.append(leafHash(entry))
    files.set(tilePath(bundle), encodeBundle(entries))
  }
  for (const { tile, bytes } of tree.cut()) files.set(tilePath(tile), bytes)
  const signer = await sampleSigner()
  const note = await signCheckpoint({ origin: SAMPLE_ORIGIN, size, root: tree.root() }, signer)
  files.set(CHECKPOINT_PATH, toUtf8(note))
  return { files, vkey: verifierKey(signer.name, signer.publicKey).text }
}
