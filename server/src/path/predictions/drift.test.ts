// Drift over rows that are made here, so that what must come out is known beforehand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeatureValue, ModelVersion } from '@whence/sdk'
import type { Snapshots } from '../features/snapshots.ts'
import type { TrainingSets } from '../features/training-sets.ts'
import type { Models } from '../models/models.ts'
import { drift } from './drift.ts'
import type { DriftParts } from './drift.ts'
import type { FoundPrediction, PredictionRef } from './enumeration.ts'

type Values = Record<string, FeatureValue>

const at = '2026-03-01T00:00:00Z'
let state = 99
const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 0x80000000
/** About normal: the sum of twelve uniform numbers. */
const normal = (mean: number): number => Array.from({ length: 12 }, random).reduce((sum, n) => sum + n, mean - 6)
const times = (n: number, make: (i: number) => Values): Values[] => Array.from({ length: n }, (_, i) => make(i))

function partsOf(
  training: readonly Values[],
  serving: readonly (Values | undefined)[],
  recorded = training.length,
): DriftParts {
  const refs = serving.map((_, seq): PredictionRef => ({
    seq,
    model: 'm@1',
    subject: (seq + 1).toString(16).padStart(32, '0'),
  }))
  const parts = {
    follower: { next: 1 },
    aliases: { live: async () => [] },
    source: {
      async *refs() {
        yield refs
      },
      open: async (some: readonly PredictionRef[]) =>
        some.map(({ seq }): FoundPrediction => {
          const inputs = serving[seq]
          const about = { campaign: seq % 2 === 0 ? 'even' : 'odd' }
          return {
            state: 'open',
            subject: '',
            time: at,
            prediction: {
              id: String(seq),
              model: 'm@1',
              score: Number(inputs?.x ?? 0) / 10,
              about,
              ...(inputs ? { inputs } : {}),
            },
          }
        }),
    },
    models: { get: async () => ({ name: 'm', version: 1, trainingSet: 'set' }) as ModelVersion } as unknown as Models,
    scoring: {
      scorerOf: async () => ({
        able: true as const,
        scorer: {
          features: ['x'],
          tolerance: 0,
          score: async () => ({ score: 0 }),
          scoreMany: async (rows: readonly Values[]) => rows.map(({ x }) => ({ score: Number(x ?? 0) / 10 })),
        },
      }),
    },
    trainingSets: {
      get: async () => ({ rows: recorded }),
      async *rows() {
        for (let from = 0; from < training.length; from += 777)
          yield training.slice(from, from + 777).map((values) => ({ at, values, subject: '', label: 0 }))
      },
    } as unknown as TrainingSets,
    snapshots: {} as Snapshots,
  }
  return parts as unknown as DriftParts
}

const both = { x: 0, kind: 'a' }

test('the same distribution is stable, a shifted one has drifted, and the score with it', async () => {
  const training = times(5000, () => ({ x: normal(0), kind: random() < 0.3 ? 'a' : 'b', same: 7 }))
  const alike = await drift(
    partsOf(
      training,
      times(3000, () => ({ x: normal(0), kind: random() < 0.3 ? 'a' : 'b', same: 7 })),
    ),
    { model: 'm@1' },
  )
  assert.equal(alike.verdict, 'stable')
  assert.deepEqual(
    alike.features.map(({ name, kind }) => [name, kind]),
    [
      ['kind', 'category'],
      ['same', 'constant'],
      ['x', 'numeric'],
    ],
  )
  const moved = await drift(
    partsOf(
      training,
      times(3000, () => ({ x: normal(1), kind: random() < 0.8 ? 'a' : 'c', same: 7 })),
    ),
    { model: 'm@1' },
  )
  const verdicts = Object.fromEntries(moved.features.map(({ name, verdict }) => [name, verdict]))
  assert.deepEqual(verdicts, { kind: 'drifted', same: 'stable', x: 'drifted' })
  assert.equal(moved.score!.verdict, 'drifted')
  assert.equal(moved.verdict, 'drifted')
  // A shift by one standard deviation in ten equal bins comes to 0.926 in the limit (computed with SciPy 1.17.1).
  assert.ok(Math.abs(moved.features.find(({ name }) => name === 'x')!.psi! - 0.926) < 0.12)
  const constant = moved.features.find(({ name }) => name === 'same')!
  assert.deepEqual([constant.psi, constant.js], [0, 0])
})

test('values that are gone, and one that a constant never had, are drift', async () => {
  const training = times(1000, () => ({ x: 1, y: random() }))
  const { features } = await drift(
    partsOf(
      training,
      times(1000, (i) => ({ x: i % 2 === 0 ? 1 : 2, y: i % 2 === 0 ? null : random() })),
    ),
    { model: 'm@1' },
  )
  const [x, y] = features as [(typeof features)[0], (typeof features)[0]]
  assert.equal(x.verdict, 'drifted')
  assert.equal(x.bins.find(({ label }) => label === 'other')!.serving, 500)
  assert.deepEqual([y.verdict, y.missing], ['drifted', { reference: 0, serving: 0.5 }])
})

test('a PSI within the noise is not drift, however large; too few rows are called so', async () => {
  const training = times(210, () => ({ x: normal(0) }))
  const few = await drift(
    partsOf(
      training,
      times(12, () => ({ x: normal(0) })),
    ),
    { model: 'm@1', least: 10, watch: 0.01, drifted: 0.02 },
  )
  const [x] = few.features
  assert.ok(x!.psi! > 0.02 && x!.psi! <= x!.noise!, `${x!.psi} ${x!.noise}`)
  assert.equal(few.verdict, 'stable')
  assert.equal(
    (
      await drift(
        partsOf(
          training,
          times(12, () => both),
        ),
        { model: 'm@1' },
      )
    ).verdict,
    'too few',
  )
})

test('groups are compared by themselves, each with its own rows', async () => {
  const training = times(2000, () => ({ x: normal(0) }))
  const { verdict, groups } = await drift(
    partsOf(
      training,
      times(2000, (i) => ({ x: normal(i % 2 === 0 ? 0 : 2) })),
    ),
    {
      model: 'm@1',
      by: ['campaign'],
    },
  )
  assert.equal(verdict, 'drifted')
  assert.deepEqual(
    groups!.map(({ key, rows, verdict: own }) => [key.campaign, rows, own]),
    [
      ['even', 1000, 'stable'],
      ['odd', 1000, 'drifted'],
    ],
  )
})

test('the divergence has a limit of its own, and names that only one side has are said apart', async () => {
  const training = times(1000, (i) => ({ x: i % 10, gone: 1 }))
  const serving = times(1000, (i) => ({ x: i % 8, new: 1 }))
  const plain = await drift(partsOf(training, serving), { model: 'm@1', drifted: 99, watch: 99 })
  assert.equal(plain.verdict, 'stable')
  assert.deepEqual([plain.onlyReference, plain.onlyServing], [['gone'], ['new']])
  assert.equal(
    (await drift(partsOf(training, serving), { model: 'm@1', drifted: 99, watch: 99, maxJs: 0.05 })).verdict,
    'drifted',
  )
})

test('a prediction without inputs counts with its score only; rows that went with their person are said', async () => {
  const training = times(1000, () => ({ x: normal(0) }))
  const found = await drift(
    partsOf(training, [...times(500, () => ({ x: normal(0) })), ...Array<undefined>(100).fill(undefined)], 1007),
    { model: 'm@1' },
  )
  assert.equal(found.serving.silent, 100)
  assert.equal(found.features[0]!.serving, 500)
  assert.equal(found.score!.serving, 600)
  assert.equal(found.reference.erased, 7)
})

test('of nothing on either side there is no number', async () => {
  for (const [training, serving] of [
    [[], times(500, () => both)],
    [times(500, () => both), []],
    [[], []],
  ] as const) {
    const found = await drift(partsOf(training, serving), { model: 'm@1' })
    assert.equal(found.verdict, 'too few')
    for (const { psi, js, noise } of found.features) assert.deepEqual([psi, js, noise], [null, null, null])
  }
})
