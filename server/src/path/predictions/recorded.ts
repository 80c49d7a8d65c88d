// A prediction as it is recorded: what is kept of it, under which identity, and how it is opened again.
import { canonicalize } from '@whence/ledger'
import type { FeatureValue, Prediction } from '@whence/sdk'
import { hash } from 'node:crypto'
import type { Ledger, OpenedRecord } from '../../record/ledger/ledger.ts'
import { hmac } from '../../record/subjects/hmac.ts'
import type { HmacKey } from '../../record/subjects/hmac.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import type { Capture } from '../../rules/capture/tier.ts'
import type { Said } from '../../rules/consent/objection.ts'

export const STREAM = 'whence.predictions'

/** What was left out of a prediction that is kept in the least form: SHA-256 of the canonical JSON of each. */
export interface LeftOut {
  inputs?: string
  reasons?: string
}

/** A prediction as its record, or its row, holds it. */
export type RecordedPrediction = Prediction & { model: string; leftOut?: LeftOut }

/** Where a prediction stands: a record of its own, or a row of a batch. */
export interface Located {
  readonly seq: number
  readonly row?: number
}

/** A prediction that was opened and checked, or what remains of it. */
export type OpenedPrediction =
  | {
      state: 'open'
      at: Located
      time: string
      subject: string
      prediction: RecordedPrediction
      capture: Capture
      /** For each feature the positions of the events that it counted, as they were when it was recorded. */
      contributors: Record<string, number[]> | undefined
    }
  | { state: 'erased'; at: Located; time: string }

/** Why a prediction is refused of somebody who objects. */
export function objectedTo({ purpose, seq }: Said): string {
  return `this person objects to ${purpose} (record ${seq}): nothing that is scored from then on is recorded about them`
}

/** The content of an opened prediction record. */
export function predictionOf(opened: Extract<OpenedRecord, { state: 'open' }>): RecordedPrediction {
  return JSON.parse(Buffer.from(opened.content).toString('utf8')) as RecordedPrediction
}

/** Opens a prediction that has a record of its own. Throws `altered`. */
export function openSingle(ledger: Ledger, seq: number): OpenedPrediction {
  const opened = ledger.open(seq)
  if (opened.state !== 'open') return { state: 'erased', at: { seq }, time: opened.entry.time }
  const { capture, contributors, time } = opened.header as {
    capture?: Capture
    contributors?: Record<string, number[]>
    time: string
  }
  return {
    state: 'open',
    at: { seq },
    time,
    subject: opened.subject,
    prediction: predictionOf(opened),
    // Records of before there were tiers say nothing of it.
    capture: capture ?? { tier: contributors === undefined ? 'full' : 'consequential' },
    contributors,
  }
}

/**
 * The keyed digest of a prediction's id, 16 bytes: the identity of its record, or the name of its row. Ids are the
 * producer's and may name a person, so nothing else of them is written in clear.
 */
export function predictionIdentity(idKey: HmacKey, source: string, id: string): Buffer {
  return identityOf(idKey, placeBytes({ kind: 'prediction/1', stream: STREAM, source, id }))
}

const SAMPLE = Buffer.from('whence/sample/v1')

/** A number from 0 to below 1 that follows from the identity and the id key: nobody without the key can choose it. */
export function chanceOf(idKey: HmacKey, identity: Uint8Array): number {
  return hmac(idKey, Buffer.concat([SAMPLE, identity])).readUIntBE(0, 6) / 2 ** 48
}

/** A prediction as its tier keeps it. */
export function keptOf<P extends Prediction>(prediction: P, tier: Capture['tier']): P & { leftOut?: LeftOut } {
  const { consequential: _, ...said } = prediction
  if (tier !== 'minimal') return said as P
  const { inputs, reasons, ...kept } = said
  const leftOut: LeftOut = {}
  if (inputs !== undefined) leftOut.inputs = digestOfInputs(inputs)
  if (reasons !== undefined) leftOut.reasons = hash('sha256', canonicalize(reasons))
  return { ...(kept as P), ...(Object.keys(leftOut).length > 0 ? { leftOut } : {}) }
}

export function digestOfInputs(inputs: Readonly<Record<string, FeatureValue>>): string {
  return hash('sha256', canonicalize(inputs))
}
