// The client: its calls stand by area in `client/`, and are put together here.
import { ActionCalls } from './client/actions.ts'
import { Calls } from './client/calls.ts'
import { ConsentCalls } from './client/consent.ts'
import { DeclarationCalls } from './client/declarations.ts'
import { EventCalls } from './client/events.ts'
import { FeatureCalls } from './client/features.ts'
import { GovernanceCalls } from './client/governance.ts'
import { LineageCalls } from './client/lineage.ts'
import { ModelCalls } from './client/models.ts'
import { OutcomeCalls } from './client/outcomes.ts'
import { PredictionCalls } from './client/predictions.ts'
import { RollbackCalls } from './client/rollback.ts'
import { TrainingSetCalls } from './client/training-sets.ts'
import type { ClientOptions } from './transport.ts'

export type { Events, Rows } from './client/bodies.ts'
export type { IngestOptions } from './client/events.ts'
export type { BatchOptions } from './client/predictions.ts'
export type { ClientOptions } from './transport.ts'

/**
 * The API, typed: one method for each of its endpoints, under the endpoint's name in `endpoints.ts`. Answers are parsed
 * by their schemas; whatever fails is a `WhenceError`. While the server is overloaded a call waits as long as the server
 * asks, and is made again, a bounded number of times: a 503 says that nothing was accepted.
 *
 * @example
 * const whence = createClient({ url: 'http://127.0.0.1:4600', key: process.env.WHENCE_KEY! })
 * const { accounting } = await whence.ingest('touchpoints', [{ customer_id: 'c-42', time: '2026-03-20T10:00:00Z' }])
 * console.log((await whence.explain('pred-000042')).sentence)
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class Client extends Calls {}

// The class has what the interface says by the loop below; a test holds both against the endpoints.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface Client
  extends
    DeclarationCalls,
    EventCalls,
    FeatureCalls,
    TrainingSetCalls,
    ModelCalls,
    PredictionCalls,
    LineageCalls,
    ConsentCalls,
    ActionCalls,
    OutcomeCalls,
    RollbackCalls,
    GovernanceCalls {}

for (const { prototype } of [
  DeclarationCalls,
  EventCalls,
  FeatureCalls,
  TrainingSetCalls,
  ModelCalls,
  PredictionCalls,
  LineageCalls,
  ConsentCalls,
  ActionCalls,
  OutcomeCalls,
  RollbackCalls,
  GovernanceCalls,
]) {
  const { constructor: _, ...calls } = Object.getOwnPropertyDescriptors(prototype)
  Object.defineProperties(Client.prototype, calls)
}

/** A client of the server at `url`. Nothing is sent until a method is called. */
export function createClient(options: ClientOptions): Client {
  return new Client(options)
}
