export { canonicalBytes, canonicalize, parseCanonical } from './canonical.ts'
export type { Json } from './canonical.ts'
export {
  claimedCheckpoint,
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  signCheckpointSync,
  verifyCheckpoint,
} from './checkpoint.ts'
export type { Checkpoint, CheckpointTrust, Cosigned, SignedCheckpoint } from './checkpoint.ts'
export { signerFromSeed, verifyEd25519 } from './ed25519.ts'
export {
  fromBase64,
  fromDecimal,
  fromHex,
  fromUtf8,
  joinBytes,
  sameBytes,
  toBase64,
  toHex,
  toUtf8,
} from './encoding.ts'
export { LedgerFault } from './fault.ts'
export type { LedgerFaultCode } from './fault.ts'
export { GrowingTiles } from './growing-tiles.ts'
export type { CutTile } from './growing-tiles.ts'
export {
  COSIGNATURE,
  cosignedBytes,
  NOTE_SIGNATURE,
  parseNote,
  parseVerifierKey,
  signNote,
  signNoteSync,
  verifierKey,
  verifyNote,
} from './note.ts'
export type { Note, SignatureLine, Signer, SyncSigner, VerifiedNote, VerifiedSignature, VerifierKey } from './note.ts'
export {
  consistencyPlan,
  edgePlan,
  inclusionPlan,
  rootFromInclusion,
  rootPlan,
  verifyConsistency,
  verifyInclusion,
} from './proof.ts'
export type { Plan } from './proof.ts'
export { solve, solveSync } from './reading.ts'
export type { SyncTileReader, TileReader } from './reading.ts'
export { formatRowProof, isRowProof, parseRowProof, verifyRowProof } from './row-proof.ts'
export type { RowProof, RowVerdict } from './row-proof.ts'
export { sha256 } from './sha256.ts'
export {
  CHECKPOINT_PATH,
  decodeBundle,
  encodeBundle,
  fullTile,
  MAX_ENTRY_BYTES,
  newBundles,
  newTiles,
  nodeInTile,
  parseTilePath,
  TILE_WIDTH,
  tileOfNode,
  tilePath,
  tileRoot,
  tileWidth,
} from './tiles.ts'
export type { EntryBundle, HashTile, TileName } from './tiles.ts'
export { formatTlogProof, parseTlogProof } from './tlog-proof.ts'
export type { TlogProof } from './tlog-proof.ts'
export { coveringNodes, emptyRoot, foldNodes, HASH_BYTES, leafHash, nodeHash, Tree } from './tree.ts'
export type { Hash, NodeAt } from './tree.ts'
export { verifyGrowth, verifyProof } from './verify.ts'
export type { Disproof, GrowthVerdict, ProofVerdict } from './verify.ts'
export { verifyLog } from './verify-log.ts'
export type { LogProblem, LogProblemCode, LogReport, LogVerification } from './verify-log.ts'
