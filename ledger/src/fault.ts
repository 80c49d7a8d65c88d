/** Every way in which the ledger refuses. Closed: callers may switch over it exhaustively. */
export type LedgerFaultCode =
  | 'not-canonical' // a value has no canonical JSON form, or bytes are not in it
  | 'bad-encoding' // hex, base64 or UTF-8 that is not in its one accepted form
  | 'bad-hash' // a hash that is not 32 bytes
  | 'out-of-range' // an index, a level, a width or a size that cannot exist
  | 'entry-too-large' // more bytes than a bundle's two-byte length can say
  | 'bad-path' // not the path of a tile or of an entry bundle
  | 'bad-tile' // a tile of the wrong length
  | 'bad-bundle' // an entry bundle that is cut off, too long, or of the wrong width
  | 'missing-tile' // the reader has no such tile
  | 'bad-proof' // a proof that is malformed or proves nothing
  | 'bad-key' // a verifier key, a public key or a seed that is malformed
  | 'bad-note' // a signed note that is malformed
  | 'unsigned' // no signature of a key that we trust
  | 'bad-signature' // a signature of a key that we trust, which does not verify
  | 'bad-checkpoint' // a note that is not a checkpoint
  | 'wrong-origin' // a checkpoint of another log

/**
 * The one error of this package: a code to act upon, a sentence that says what to do, and a cause where there is one.
 *
 * @example
 * try { parseCheckpoint(text) } catch (error) {
 *   if (error instanceof LedgerFault && error.code === 'bad-checkpoint') …
 * }
 */
export class LedgerFault extends Error {
  readonly code: LedgerFaultCode

  constructor(code: LedgerFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'LedgerFault'
    this.code = code
  }
}
