// Proofs as files (C2SP tlog-proof): that an entry is in a log, with the checkpoint it is proved against.
import { fromBase64, fromDecimal, toBase64 } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import { checkHash, checkSize } from './tree.ts'
import type { Hash } from './tree.ts'

/** The proof that leaf `index` is in the tree of the checkpoint; nothing of it is verified yet. */
export type TlogProof = {
  readonly index: number
  /** Sibling of the leaf first. */
  readonly hashes: readonly Hash[]
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string
  /** Bytes for the application. No signature covers them. */
  readonly extra?: Uint8Array
}

const HEADER = 'c2sp.org/tlog-proof@v1'
/** A tree of 2^53 leaves is 53 levels high. */
const MAX_HASHES = 53

/**
 * Writes a proof as a file. Throws `out-of-range` for an impossible index, `bad-hash`, and `bad-proof` for a checkpoint
 * that is empty.
 *
 * @example writeFileSync('decision.tlog-proof', formatTlogProof({ index: 1, hashes, checkpoint }))
 */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  if (checkpoint === '') throw new LedgerFault('bad-proof', 'a proof needs the checkpoint that it is against')
  const extraLine = extra === undefined ? '' : `extra ${toBase64(extra)}\n`
  const lines = hashes.map((hash) => `${toBase64(checkHash(hash))}\n`).join('')
  return `${HEADER}\n${extraLine}index ${checkSize(index)}\n${lines}\n${checkpoint}`
}

/**
 * Reads a proof, verifying nothing. Throws `bad-proof` for anything that `formatTlogProof` would not write.
 *
 * @example parseTlogProof(file).index // 1
 */
export function parseTlogProof(text: string): TlogProof {
  // The checkpoint holds an empty line too: the proof ends at the first one.
  const end = text.indexOf('\n\n')
  const checkpoint = text.slice(end + 2)
  const [header, ...lines] = text.slice(0, end).split('\n')
  if (end < 0 || checkpoint === '' || header !== HEADER) {
    throw new LedgerFault('bad-proof', `expected a proof file, which begins with ${HEADER}`)
  }
  try {
    const extra = valueOf('extra', lines[0])
    if (extra !== undefined) lines.shift()
    const index = valueOf('index', lines.shift())
    if (index === undefined || lines.length > MAX_HASHES) throw new LedgerFault('bad-proof', 'no index, or too long')
    return {
      index: fromDecimal(index),
      hashes: lines.map((line) => checkHash(fromBase64(line))),
      checkpoint,
      ...(extra !== undefined && { extra: fromBase64(extra) }),
    }
  } catch (cause) {
    throw new LedgerFault('bad-proof', 'the proof file has a malformed line before its checkpoint', cause)
  }
}

function valueOf(name: string, line: string | undefined): string | undefined {
  return line?.startsWith(`${name} `) ? line.slice(name.length + 1) : undefined
}
