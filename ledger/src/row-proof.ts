// Proofs of a row in a batch. A record may stand for a table: its entry names the root and the number of a Merkle tree
// of the table's rows (`refs.root`, `refs.rows`). A row is proved in two steps, each a tree of RFC 6962: the row under the
// root that the entry names, and the entry in the log. docs/spec/predictions.md has the file's form.
import { parseCanonical } from './canonical.ts'
import type { CheckpointTrust } from './checkpoint.ts'
import { fromBase64, fromDecimal, fromHex, toBase64 } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import type { VerifierKey } from './note.ts'
import { verifyInclusion } from './proof.ts'
import { parseTlogProof } from './tlog-proof.ts'
import { checkHash, checkSize, leafHash } from './tree.ts'
import type { Hash } from './tree.ts'
import { verifyProof } from './verify.ts'
import type { Disproof, ProofVerdict } from './verify.ts'

/** The proof that a row is in the batch whose entry the inner proof carries; nothing of it is verified yet. */
export type RowProof = {
  /** The bytes of the row, of which its leaf is the hash. */
  readonly row: Uint8Array
  /** Its number in the batch, from 0. */
  readonly index: number
  /** Sibling of the row's leaf first, up to the root that the entry names. */
  readonly hashes: readonly Hash[]
  /** The tlog-proof of the batch's entry, with the entry in its extra line. */
  readonly batch: string
}

export type RowVerdict =
  | {
      readonly ok: true
      readonly row: Uint8Array
      readonly index: number
      /** Rows in the batch: what its entry says. */
      readonly rows: number
      /** The entry of the batch, proved. */
      readonly entry: Uint8Array
      readonly batch: Extract<ProofVerdict, { ok: true }>
    }
  | Disproof

const HEADER = 'whence/row-proof@v1'
const MAX_HASHES = 53

/**
 * Writes a row's proof as a file. Throws `out-of-range` for an impossible index, `bad-hash`, and `bad-proof` when the
 * inner proof is none, or carries no entry.
 *
 * @example writeFileSync('decision.row-proof', formatRowProof({ row, index: 5, hashes, batch: tlogProof }))
 */
export function formatRowProof({ row, index, hashes, batch }: RowProof): string {
  entryOf(batch)
  const lines = hashes.map((hash) => `${toBase64(checkHash(hash))}\n`).join('')
  return `${HEADER}\nrow ${toBase64(row)}\nindex ${checkSize(index)}\n${lines}\n${batch}`
}

/**
 * Reads a row's proof, verifying nothing. Throws `bad-proof` for anything that `formatRowProof` would not write.
 *
 * @example parseRowProof(file).index // 5
 */
export function parseRowProof(text: string): RowProof {
  const end = text.indexOf('\n\n')
  const [header, row, index, ...lines] = text.slice(0, end).split('\n')
  if (end < 0 || header !== HEADER) {
    throw new LedgerFault('bad-proof', `expected a proof file, which begins with ${HEADER}`)
  }
  if (!row?.startsWith('row ') || !index?.startsWith('index ') || lines.length > MAX_HASHES) {
    throw new LedgerFault('bad-proof', 'the proof file lacks its row or its index, or is too long')
  }
  const batch = text.slice(end + 2)
  entryOf(batch)
  try {
    return {
      row: fromBase64(row.slice('row '.length)),
      index: fromDecimal(index.slice('index '.length)),
      hashes: lines.map((line) => checkHash(fromBase64(line))),
      batch,
    }
  } catch (cause) {
    throw new LedgerFault('bad-proof', 'the proof file has a malformed line before the proof of its batch', cause)
  }
}

/** Whether a text begins as the proof of a row does. */
export function isRowProof(text: string): boolean {
  return text.startsWith(`${HEADER}\n`)
}

/**
 * Whether a proof file shows that the log with this key holds a batch, and the batch this row. Throws `bad-key`.
 *
 * @example
 * const verdict = await verifyRowProof(file, vkey)
 * if (verdict.ok) console.log(fromUtf8(verdict.row), verdict.index, verdict.rows)
 */
export async function verifyRowProof(
  file: string,
  logKey: string | VerifierKey,
  trust: CheckpointTrust = {},
): Promise<RowVerdict> {
  let proof: RowProof
  let tree: { root: Hash; rows: number }
  let entry: Uint8Array
  try {
    proof = parseRowProof(file)
    entry = entryOf(proof.batch)
    tree = treeOf(entry)
  } catch (error) {
    if (error instanceof LedgerFault) return { ok: false, code: error.code, message: error.message }
    throw error
  }
  const batch = await verifyProof(proof.batch, entry, logKey, trust)
  if (!batch.ok) return batch
  if (!verifyInclusion(leafHash(proof.row), proof.index, tree.rows, proof.hashes, tree.root)) {
    return {
      ok: false,
      code: 'not-included',
      message: `the proof does not show this row at index ${proof.index} of the ${tree.rows} of its batch`,
    }
  }
  return { ok: true, row: proof.row, index: proof.index, rows: tree.rows, entry, batch }
}

/** The entry that a tlog-proof carries. */
function entryOf(tlogProof: string): Uint8Array {
  const { extra } = parseTlogProof(tlogProof)
  if (extra === undefined) throw new LedgerFault('bad-proof', 'the proof of the batch carries no entry')
  return extra
}

/** What an entry says of the tree of its rows. */
function treeOf(entry: Uint8Array): { root: Hash; rows: number } {
  const said = parseCanonical(entry) as { kind?: unknown; refs?: { root?: unknown; rows?: unknown } } | null
  const { root, rows } = said?.refs ?? {}
  if (typeof said?.kind !== 'string' || typeof root !== 'string' || typeof rows !== 'string') {
    throw new LedgerFault('bad-proof', 'the entry names no tree of rows')
  }
  return { root: checkHash(fromHex(root)), rows: fromDecimal(rows) }
}
