// A Whence in memory, only as much of it as the scripts of the examples call: so that their tests take seconds and need
// no server. Features come from the example's own independent computation.
import type { Client, FeatureRow, ModelVersion, PredictionBatch, Snapshot, TrainingSetRequest } from '@whence/sdk'
import type { Independent } from './example.ts'

export interface Fake {
  readonly whence: Client
  readonly predictions: PredictionBatch['predictions']
}

export function fake(facts: Independent): Fake {
  const predictions: PredictionBatch['predictions'] = []
  const sets = new Map<string, TrainingSetRequest>()
  const snapshots: string[] = []
  const features = memo((at: string) => facts.features(at))
  const subjectOf = (entity: string) => Buffer.from(entity).toString('hex').slice(-32).padStart(32, '0')

  const calls = {
    async subjects({ identifiers }: { identifiers: string[] }) {
      return { subjects: identifiers.map(subjectOf) }
    },
    async materialize({ view, at = '' }: { view: string; at?: string }) {
      snapshots.push(at)
      return { id: snapshots.length - 1, view: `${view}@v1`, at, rows: features(at).size } as Snapshot
    },
    async *snapshotRows(id: number): AsyncGenerator<FeatureRow> {
      for (const [entity, values] of features(snapshots[id]!)) yield { subject: subjectOf(entity), values }
    },
    async createTrainingSet(request: TrainingSetRequest) {
      sets.set(request.id, request)
      return { id: request.id, view: `${request.view}@v1` }
    },
    async *trainingRows(id: string) {
      for (const { entity = '', at, label } of sets.get(id)!.spine!) {
        const values = facts.featuresOf(entity, at)
        if (values) yield { at, subject: subjectOf(entity), label, values }
      }
    },
    async registerModel(request: object) {
      return { ...request, version: 1, seq: 0 } as ModelVersion
    },
    async predict(batch: PredictionBatch) {
      predictions.push(...batch.predictions)
      return { recorded: batch.predictions.length, duplicate: 0, results: [] }
    },
  }
  return { whence: calls as unknown as Client, predictions }
}

function memo<A, B>(compute: (a: A) => B): (a: A) => B {
  const known = new Map<A, B>()
  return (a) => {
    if (!known.has(a)) known.set(a, compute(a))
    return known.get(a)!
  }
}
