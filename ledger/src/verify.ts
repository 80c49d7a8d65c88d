// Verification of single claims: that a log only grew, and that an entry is in it. What does not hold is a result, with
// the reason; only a malformed key is a fault.
import { verifyCheckpoint } from './checkpoint.ts'
import type { CheckpointTrust, SignedCheckpoint } from './checkpoint.ts'
import { sameBytes } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import type { LedgerFaultCode } from './fault.ts'
import type { VerifierKey } from './note.ts'
import { consistencyPlan, verifyConsistency, verifyInclusion } from './proof.ts'
import { solve } from './reading.ts'
import type { TileReader } from './reading.ts'
import { parseTlogProof } from './tlog-proof.ts'
import { leafHash } from './tree.ts'
import type { Hash } from './tree.ts'

/** Why a claim does not hold: a fault of what was handed in, or what it shows of the log. */
export type Disproof = {
  readonly ok: false
  readonly code: LedgerFaultCode | 'shrunk' | 'forked' | 'not-included' | 'inconsistent'
  readonly message: string
}

export type GrowthVerdict =
  | { readonly ok: true; readonly from: SignedCheckpoint; readonly to: SignedCheckpoint }
  | Disproof

export type ProofVerdict =
  | { readonly ok: true; readonly index: number; readonly leaf: Hash; readonly checkpoint: SignedCheckpoint }
  | Disproof

/**
 * Whether the log of the newer signed checkpoint begins with all of the older one's, shown by a consistency proof or by
 * the tiles of the log. `forked` and `inconsistent` convict the log: both checkpoints bear its signature. Throws
 * `bad-key`, and what the reader throws.
 *
 * @example
 * const verdict = await verifyGrowth(keptSinceMay, current, vkey, (path) => download(prefix + path))
 * if (!verdict.ok) console.error(verdict.message)
 */
export async function verifyGrowth(
  older: string | Uint8Array,
  newer: string | Uint8Array,
  logKey: string | VerifierKey,
  evidence: TileReader | readonly Hash[],
  trust: CheckpointTrust = {},
): Promise<GrowthVerdict> {
  return verdictOf(async () => {
    const from = await verifyCheckpoint(older, logKey, trust)
    const to = await verifyCheckpoint(newer, logKey, trust)
    if (to.size < from.size) {
      return disproof('shrunk', `the log had ${from.size} entries and now has ${to.size}: it was cut or restored`)
    }
    if (to.size === from.size && !sameBytes(from.root, to.root)) {
      return disproof('forked', `the log signed two different trees of ${to.size} entries`)
    }
    const proof =
      typeof evidence === 'function' ? await solve(consistencyPlan(from.size, to.size), to.size, evidence) : evidence
    if (!verifyConsistency(from.size, from.root, to.size, to.root, proof)) {
      return disproof('inconsistent', `nothing shows that the first ${from.size} of ${to.size} entries are unchanged`)
    }
    return { ok: true, from, to }
  })
}

/**
 * Whether a proof file shows that the log with this key holds the entry, byte for byte. Throws `bad-key`.
 *
 * @example
 * const verdict = await verifyProof(proofFile, entryBytes, vkey, { witnesses: [witnessKey] })
 * if (verdict.ok) console.log(verdict.index, verdict.checkpoint.cosignatures)
 */
export async function verifyProof(
  tlogProof: string,
  entry: Uint8Array,
  logKey: string | VerifierKey,
  trust: CheckpointTrust = {},
): Promise<ProofVerdict> {
  return verdictOf(async () => {
    const { index, hashes, checkpoint: note } = parseTlogProof(tlogProof)
    const checkpoint = await verifyCheckpoint(note, logKey, trust)
    const leaf = leafHash(entry)
    if (!verifyInclusion(leaf, index, checkpoint.size, hashes, checkpoint.root)) {
      return disproof('not-included', `the proof does not show this entry at index ${index} of the log`)
    }
    return { ok: true, index, leaf, checkpoint }
  })
}

async function verdictOf<Verdict>(verify: () => Promise<Verdict | Disproof>): Promise<Verdict | Disproof> {
  try {
    return await verify()
  } catch (error) {
    if (error instanceof LedgerFault && error.code !== 'bad-key') return disproof(error.code, error.message)
    throw error
  }
}

function disproof(code: Disproof['code'], message: string): Disproof {
  return { ok: false, code, message }
}
