import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FoundPrediction, PredictionRef, PredictionSource } from './enumeration.ts'
import { draw, placeHash } from './population.ts'

const refs = (count: number): PredictionRef[] =>
  Array.from({ length: count }, (_, i) => ({
    seq: 10 + Math.floor(i / 3),
    ...(i % 3 === 0 ? {} : { row: (i % 3) - 1 }),
    model: `m@${1 + (i % 2)}`,
    ...(i % 5 === 0 ? {} : { snapshot: 7 }),
    ...(i % 11 === 0 ? {} : { subject: placeHash(3, i, 0).toString(16).padStart(32, '0') }),
  }))

function sourceOf(all: readonly PredictionRef[], page: number): PredictionSource {
  return {
    async *refs() {
      for (let at = 0; at < all.length; at += page) yield all.slice(at, at + page)
    },
    open: async (some) => some.map((): FoundPrediction => ({ state: 'erased' })),
  }
}

const key = ({ seq, row }: PredictionRef): string => `${seq}/${row}`
const taken = async (all: PredictionRef[], page: number, sample?: number, seed = 1) => {
  const drawn = await draw(sourceOf(all, page), {}, { sample, seed })
  return { ...drawn, refs: [...drawn.chunks(100)].flatMap((chunk) => chunk.refs) }
}

test('without a sample all are drawn, each as it came', async () => {
  const all = refs(5000)
  const { population, sampled, refs: found } = await taken(all, 777)
  assert.equal(population, 5000)
  assert.equal(sampled, 5000)
  const byKey = new Map(all.map((ref) => [key(ref), ref]))
  assert.equal(new Set(found.map(key)).size, 5000)
  for (const ref of found) assert.deepEqual(ref, byKey.get(key(ref)))
})

test('chunks are of one model and one snapshot, in the order of subjects, and no larger than asked', async () => {
  const drawn = await draw(sourceOf(refs(5000), 1000), {}, { seed: 1 })
  for (const { model, snapshot, refs: some } of drawn.chunks(300)) {
    assert.ok(some.length <= 300 && some.length > 0)
    assert.ok(some.every((ref) => ref.model === model && ref.snapshot === snapshot))
    const subjects = some.map(({ subject }) => subject ?? '')
    assert.deepEqual(subjects, subjects.toSorted())
  }
})

test('the sample depends on the seed and the places, not on pages or on who else is there', async () => {
  const all = refs(5000)
  const some = await taken(all, 777, 200)
  assert.equal(some.sampled, 200)
  assert.equal(some.population, 5000)
  const names = some.refs.map(key)
  assert.deepEqual((await taken(all, 64, 200)).refs.map(key), names)
  assert.notDeepEqual((await taken(all, 777, 200, 2)).refs.map(key), names)
  const fewer = (await taken(all.slice(0, -1), 777, 200)).refs.map(key)
  assert.ok(fewer.filter((name) => !names.includes(name)).length <= 1)
  assert.equal((await taken(all, 777, 9000)).sampled, 5000)
  assert.deepEqual((await taken([], 777, 10)).refs, [])
})

test('every place is drawn about as often as any other', async () => {
  // 400 samples of 50 of 500: each is expected 40 times; the chi-squared statistic of 499 degrees of freedom stays below
  // 638 in all but one of a hundred thousand cases, and the seeds are fixed.
  const all = refs(500)
  const counts = new Map(all.map((ref) => [key(ref), 0]))
  for (let seed = 1; seed <= 400; seed++)
    for (const ref of (await taken(all, 500, 50, seed)).refs) counts.set(key(ref), counts.get(key(ref))! + 1)
  const squared = [...counts.values()].reduce((sum, n) => sum + (n - 40) ** 2 / 40, 0)
  assert.ok(squared < 638, String(squared))
})
