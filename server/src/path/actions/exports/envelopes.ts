// What was signed of an action, for others to verify: an envelope for each statement that there was of it.
import { envelopeOf, statementDigest } from '@whence/sdk'
import type { Envelope } from '@whence/sdk'
import type { ActionView } from './view.ts'

export interface StatedVersion {
  /** The record that made the statement: of the action, or of an edit. */
  readonly seq: number
  /** Digest of the statement. */
  readonly statement: string
  readonly envelope: Envelope
}

/** In the order of the log: the last is the one that stands. Signatures are over the statement beside them only. */
export function actionEnvelopes(view: ActionView): StatedVersion[] {
  const edits = view.edits.toSorted((a, b) => a.seq - b.seq)
  return [view, ...edits].map(({ seq, statement, signatures }) => ({
    seq,
    statement: statementDigest(statement),
    envelope: envelopeOf(statement, signatures),
  }))
}
