// What a replay makes of parts that misbehave: each stands in for one that cannot be made to on a real ledger.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { FeatureValue, ModelVersion, Snapshot } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { AsOf } from '../features/as-of.ts'
import type { CompiledView } from '../features/compile.ts'
import type { Recomputed, Snapshots } from '../features/snapshots.ts'
import type { FeatureView } from '../features/view.ts'
import type { Models } from '../models/models.ts'
import type { Scorer } from '../models/scoring.ts'
import type { FoundPrediction, PredictionRef } from './enumeration.ts'
import { replay } from './replay.ts'
import type { ReplayParts } from './replay.ts'

const engine = { duckdb: 'v1.5.6', semantics: 1 }
const snapshot = {
  id: 7,
  view: 'reader@v1',
  at: '2026-03-01T00:00:00.000000Z',
  asOf: 5,
  inputs: [],
  engine,
} as unknown as Snapshot
const view = { features: [{ name: 'opens', tolerance: undefined }] } as unknown as FeatureView
const compiled = { view, features: view.features, sources: [] } as unknown as CompiledView

interface World {
  /** Predictions, each with its stated input and score; the events give `opens` = 3 and a score of 0.3. */
  predictions: { opens?: FeatureValue; score?: number; state?: 'erased' | 'altered' }[]
  again?: FeatureValue
  engine?: typeof engine
  recompute?: () => never
  scorer?: Partial<Scorer>
  able?: boolean
  /** What the second opening of a prediction finds. */
  later?: 'erased'
  versions?: Record<string, number>
}

function partsOf(world: World): ReplayParts & { largest: number } {
  const refs = world.predictions.map(({ state }, seq): PredictionRef => ({
    seq,
    model: 'opens@1',
    snapshot: 7,
    ...(state === 'erased' ? {} : { subject: (seq + 1).toString(16).padStart(32, '0') }),
  }))
  let opened = 0
  const found = ({ seq }: PredictionRef): FoundPrediction => {
    const { opens, score = 0.3, state } = world.predictions[seq]!
    if (state === 'erased' || (world.later === 'erased' && opened > 1)) return { state: 'erased' }
    if (state === 'altered') return { state: 'altered', problem: 'its digest differs' }
    const prediction = {
      id: `p-${seq}`,
      model: 'opens@1',
      score,
      ...(opens === undefined ? {} : { inputs: { opens } }),
    }
    return { state: 'open', subject: refs[seq]!.subject!, time: snapshot.at, prediction }
  }
  const scorer: Scorer = {
    features: ['opens'],
    tolerance: 1e-12,
    score: async () => ({ score: 0.3 }),
    scoreMany: async (rows) => rows.map(() => ({ score: 0.3 })),
    ...world.scorer,
  }
  const parts = {
    largest: 0,
    follower: { next: 100 },
    source: {
      async *refs() {
        for (let at = 0; at < refs.length; at += 1000) yield refs.slice(at, at + 1000)
      },
      async open(some: readonly PredictionRef[]) {
        opened++
        parts.largest = Math.max(parts.largest, some.length)
        return some.map(found)
      },
    },
    models: {
      async get(name: string) {
        const version = Number(name.split('@')[1])
        if (version !== 1 && world.versions?.[name] === undefined) throw new Fault('not_found', 'none')
        return { name: 'opens', version } as ModelVersion
      },
    } as unknown as Models,
    aliases: { live: async () => [] },
    scoring: {
      async scorerOf({ version }: ModelVersion) {
        if (world.able === false) return { able: false as const, why: 'its form is unknown' }
        const other = world.versions?.[`opens@${version}`]
        if (other === undefined) return { able: true as const, scorer }
        return {
          able: true as const,
          scorer: { ...scorer, scoreMany: async (rows: readonly object[]) => rows.map(() => ({ score: other })) },
        }
      },
    },
    snapshots: {
      get: async () => snapshot,
      flaw: async () => undefined,
      expiry: async () => undefined,
      async recomputeMany(_: Snapshot, subjects: readonly string[]) {
        world.recompute?.()
        const one = { view, values: { opens: 3 }, stored: { opens: 3 }, problems: [] } as unknown as Recomputed
        return new Map(subjects.map((subject) => [subject, one]))
      },
    } as unknown as Snapshots,
    asOf: {
      engine: world.engine ?? engine,
      async view(name: string) {
        if (name !== 'reader@v1') throw new Fault('not_found', 'none')
        return { version: { name: 'reader', version: 1 }, compiled }
      },
      behind: async (_: unknown, asks: readonly object[]) => asks.map(() => ({ events: [], unreadable: 0 })),
      tried: async (_: unknown, trials: readonly object[]) => trials.map(() => ({ opens: world.again ?? 3 })),
      values: async () => [],
    } as unknown as AsOf,
  }
  return parts as unknown as ReplayParts & { largest: number }
}

const causeOf = async (world: World): Promise<[string, string]> => {
  const { misses } = await replay(partsOf(world), {})
  assert.equal(misses.length, 1)
  return [misses[0]!.cause, misses[0]!.detail]
}

suite('a replay says', () => {
  test('code changed, where view and contracts do not compile to what is on record', async () => {
    const recompute = (): never => {
      throw new Fault('conflict', 'view reader@v1 was applied with other contracts')
    }
    assert.deepEqual(await causeOf({ predictions: [{ opens: 3 }], recompute }), [
      'code changed',
      'view reader@v1 was applied with other contracts',
    ])
  })

  test('code changed, where another engine made the snapshot and no event explains the value', async () => {
    const [cause, detail] = await causeOf({ predictions: [{ opens: 4 }], engine: { duckdb: 'v1.6.0', semantics: 2 } })
    assert.equal(cause, 'code changed')
    assert.match(detail, /DuckDB v1\.5\.6 and semantics 1, this is v1\.6\.0 and 2/)
    assert.equal((await causeOf({ predictions: [{ opens: 4 }] }))[0], 'inputs differ')
  })

  test('code changed, where the score is one that another version gives', async () => {
    const versions = { 'opens@2': 0.7, 'opens@3': 0.9 }
    const [cause, detail] = await causeOf({ predictions: [{ opens: 3, score: 0.9 }], versions })
    assert.equal(cause, 'code changed')
    assert.match(detail, /the score that opens@3 gives/)
  })

  test('not deterministic, where computing once more gives another value or score', async () => {
    assert.equal((await causeOf({ predictions: [{ opens: 4 }], again: 5 }))[0], 'not deterministic')
    let n = 0
    const scoreMany: Scorer['scoreMany'] = async (rows) => rows.map(() => ({ score: 0.5 + n++ / 100 }))
    const [cause, detail] = await causeOf({ predictions: [{ opens: 3 }], scorer: { scoreMany } })
    assert.equal(cause, 'not deterministic')
    assert.match(detail, /recomputed as 0\.5, and computed once more as 0\.51/)
  })

  test('not deterministic, where a score differs by rounding and the tolerance is smaller', async () => {
    assert.equal((await causeOf({ predictions: [{ score: 0.3 + 2e-7 }] }))[0], 'not deterministic')
    assert.equal((await causeOf({ predictions: [{ score: 0.3 + 2e-5 }] }))[0], 'score differs')
    assert.equal(
      (await replay(partsOf({ predictions: [{ score: 0.3 + 2e-7 }], scorer: { tolerance: 1e-6 } }), {})).exact,
      1,
    )
  })

  test('model cannot be scored, in whichever way it cannot', async () => {
    assert.deepEqual(await causeOf({ predictions: [{}], able: false }), [
      'model cannot be scored',
      'its form is unknown',
    ])
    const unavailable = async (): Promise<never> => {
      throw new Fault('unavailable', 'the model ran out of time')
    }
    assert.deepEqual(await causeOf({ predictions: [{}], scorer: { scoreMany: unavailable } }), [
      'model cannot be scored',
      'the model ran out of time',
    ])
    const scoreMany: Scorer['scoreMany'] = async (rows) =>
      rows.map(() => ({ score: Number.NaN, problem: 'opens is text' }))
    assert.deepEqual(await causeOf({ predictions: [{}], scorer: { scoreMany } }), [
      'model cannot be scored',
      'opens is text',
    ])
    // What is wrong with the inputs is said even then.
    assert.equal((await causeOf({ predictions: [{ opens: 4 }], able: false }))[0], 'inputs differ')
  })

  test('erased, also of whoever is erased while it runs', async () => {
    const found = await replay(partsOf({ predictions: [{ opens: 4 }], later: 'erased' }), {})
    assert.deepEqual([found.compared, found.causes], [0, { 'erased on request': 1 }])
    assert.deepEqual(found.interval, { low: 0, high: 1, level: 0.95 })
  })

  test('how it stands with ten thousand, of which it opens a bounded number at a time', async () => {
    const parts = partsOf({
      predictions: Array.from({ length: 10_000 }, (_, i) =>
        i % 10 === 0 ? { opens: 4 } : i % 10 === 1 ? { state: i % 20 === 1 ? 'erased' : 'altered' } : { opens: 3 },
      ),
    })
    const far: number[] = []
    const found = await replay(parts, {}, (done) => far.push(done))
    assert.deepEqual(found.causes, { 'inputs differ': 1000, 'erased on request': 500, 'record altered': 500 })
    assert.deepEqual([found.exact, found.compared, found.misses.length], [8000, 9500, 100])
    assert.ok(parts.largest <= 2000)
    assert.deepEqual(far.at(-1), 10_000)
    assert.deepEqual(
      found.misses,
      found.misses.toSorted((a, b) => a.seq - b.seq),
    )
    assert.equal(found.misses[0]!.seq, 0)
  })

  test('of misses beyond the first two thousand only how many there are', async () => {
    const found = await replay(partsOf({ predictions: Array.from({ length: 2500 }, () => ({ opens: 4 })) }), {})
    assert.deepEqual([found.causes, found.unexamined], [{ 'inputs differ': 2500 }, 500])
  })

  test('where inputs rest on the producer’s word, that they do', async () => {
    const parts = partsOf({ predictions: [{ opens: 3 }], scorer: { features: ['opens', 'hour'] } })
    const { open } = parts.source
    parts.source.open = async (refs) =>
      (await open(refs)).map((one) =>
        one.state === 'open' ? { ...one, prediction: { ...one.prediction, inputs: { opens: 3, hour: 9 } } } : one,
      )
    const found = await replay(parts, {})
    assert.deepEqual([found.exact, found.asserted], [1, 1])
  })
})
