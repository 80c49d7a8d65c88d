import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LineageGraph, Walk, WalkEdge, WalkQuery } from '../../record/lineage/graph.ts'
import { parseNodeId } from '../../record/lineage/statement.ts'
import { reachOf } from './reach.ts'

/** A graph of given edges, walked plainly. */
function graphOf(edges: readonly Partial<WalkEdge>[]): LineageGraph {
  const all = edges.map((edge) => ({ appeared: 0, basis: 'stated', ...edge })) as WalkEdge[]
  const dataset = (id: string): string => id.replace(/#.*$/s, '')
  return {
    async walk({ from, direction, level, depth = Infinity }: WalkQuery): Promise<Walk> {
      const columns = level === 'columns'
      const own = all.filter(({ how }) => (how === 'direct' || how === 'indirect') === columns)
      const fields = own.flatMap(({ from: a, to: b }) => [a, b])
      const starts = from.flatMap((id) =>
        columns && !id.includes('#') ? fields.filter((each) => dataset(each) === id) : [id],
      )
      const found = new Map(starts.map((id) => [id, 0]))
      for (const [id, at] of found) {
        if (at >= depth) continue
        for (const edge of own) {
          const [here, there] = direction === 'forward' ? [edge.from, edge.to] : [edge.to, edge.from]
          if (here === id && !found.has(there)) found.set(there, at + 1)
        }
      }
      const nodes = [...found].map(([id, at]) => ({ id, ...parseNodeId(id)!.name, depth: at, appeared: 0 }))
      const between = own.filter((edge) => found.has(edge.from) && found.has(edge.to))
      return { asOf: 1, nodes, edges: between, total: nodes.length, truncated: false }
    },
  } as unknown as LineageGraph
}

const [a, b, c, d] = ['dataset:x:a', 'dataset:x:b', 'dataset:x:c', 'dataset:x:d']
const job = (name: string): string => `job:x:${name}`
/** What a job that reads one dataset and writes another makes of them at the level of names. */
const flow = (from: string, by: string, to: string): Partial<WalkEdge>[] => [
  { from, to: by, how: 'read' },
  { from: by, to, how: 'write' },
]
const bounds = { depth: 20, asOf: 1 }
const reachFrom = (edges: readonly Partial<WalkEdge>[], certain = true) =>
  reachOf(graphOf(edges), new Map([[`${a}#k`, certain]]), bounds)

test('values that arrive are certain, uses that only decide are not', async () => {
  const { fields, wholes, jobs } = await reachFrom([
    ...flow(a, job('1'), b),
    { from: `${a}#k`, to: `${b}#k`, how: 'direct', job: job('1') },
    { from: `${a}#k`, to: `${b}#filtered`, how: 'indirect', job: job('1') },
    { from: `${a}#other`, to: `${b}#other`, how: 'direct', job: job('1') },
  ])
  assert.deepEqual(
    [...fields].map(([id, { certain }]) => [id, certain]),
    [
      [`${a}#k`, true],
      [`${b}#k`, true],
      [`${b}#filtered`, false],
    ],
  )
  assert.equal(wholes.size, 0)
  assert.equal(jobs.get(job('1'))?.certain, true)
})

test('one sure way is enough, whichever way was found first', async () => {
  const edges: Partial<WalkEdge>[] = [
    { from: `${a}#k`, to: `${d}#k`, how: 'indirect', job: job('0') },
    { from: `${a}#k`, to: `${b}#k`, how: 'direct', job: job('1') },
    { from: `${b}#k`, to: `${c}#k`, how: 'direct', job: job('2') },
    { from: `${c}#k`, to: `${d}#k`, how: 'direct', job: job('3') },
    { from: `${d}#k`, to: `${d}#more`, how: 'direct', job: job('4') },
  ]
  for (const order of [edges, edges.toReversed()]) {
    const { fields } = await reachFrom(order)
    assert.equal(fields.get(`${d}#k`)?.certain, true)
    assert.equal(fields.get(`${d}#more`)?.certain, true)
  }
})

test('what was derived from SQL with less than certainty stays a perhaps; a filter of our own does not', async () => {
  const { fields } = await reachFrom([
    { from: `${a}#k`, to: `${b}#k`, how: 'direct', basis: 'conservative', job: job('1') },
    { from: `${a}#k`, to: `${c}#k`, how: 'direct', basis: 'verified', job: job('1') },
    { from: `${a}#k`, to: 'view:v@v1#f', how: 'indirect', basis: 'verified', job: 'job:whence:materialize v@v1' },
  ])
  assert.deepEqual(
    [`${b}#k`, `${c}#k`, 'view:v@v1#f'].map((id) => fields.get(id)?.certain),
    [false, true, true],
  )
})

test('a job that says nothing about columns makes everything that it writes, and what follows, a perhaps', async () => {
  const { fields, wholes, jobs } = await reachFrom([
    ...flow(a, job('dark'), b),
    ...flow(b, job('bright'), c),
    { from: `${b}#x`, to: `${c}#x`, how: 'direct', job: job('bright') },
    ...flow(c, job('dark too'), d),
  ])
  assert.deepEqual([...wholes.keys()], [b, d])
  assert.deepEqual(
    { certain: fields.get(`${c}#x`)?.certain, possible: fields.get(`${c}#x`)?.possible },
    { certain: false, possible: true },
  )
  assert.equal(wholes.get(b)?.job, job('dark'))
  assert.equal(jobs.get(job('dark'))?.certain, false)
})

test('what flows from or into a whole dataset is a perhaps, and what a dataset makes of its own columns hides nothing', async () => {
  const { fields, wholes } = await reachFrom([
    ...flow(a, job('load'), b),
    { from: a, to: b, how: 'direct', basis: 'conservative', job: job('load') },
    { from: `${b}#x`, to: `${b}#lower_x`, how: 'direct', job: job('load') },
    ...flow(b, job('next'), c),
    { from: `${b}#lower_x`, to: `${c}#x`, how: 'direct', job: job('next') },
    ...flow(c, job('own'), d),
    { from: `${d}#x`, to: `${d}#lower_x`, how: 'direct', job: job('own') },
  ])
  assert.deepEqual([...wholes.keys()], [b, d])
  assert.deepEqual(
    [fields.get(`${c}#x`), fields.get(`${d}#lower_x`)].map((each) => [each?.certain, each?.possible]),
    [
      [false, true],
      [false, true],
    ],
  )
})

test('a dataset whose columns are told of, and come from others, is not reached', async () => {
  const { fields, wholes, jobs } = await reachFrom([
    ...flow(a, job('1'), b),
    { from: `${a}#other`, to: `${b}#other`, how: 'direct', job: job('1') },
  ])
  assert.deepEqual([fields.size, wholes.size, jobs.size], [1, 0, 0])
})

test('cycles end, and a change that is not certain makes nothing certain', async () => {
  const { fields } = await reachFrom(
    [
      ...flow(a, job('1'), b),
      ...flow(b, job('2'), a),
      { from: `${a}#k`, to: `${b}#k`, how: 'direct', job: job('1') },
      { from: `${b}#k`, to: `${a}#k`, how: 'direct', job: job('2') },
    ],
    false,
  )
  assert.deepEqual(
    [...fields.values()].map(({ certain }) => certain),
    [false, false],
  )
})

test('on a diamond ladder each field is visited once', async () => {
  const layers = 18
  const edges = Array.from({ length: layers }, (_, i) =>
    ['l', 'r'].flatMap((from) =>
      ['l', 'r'].map((to) => ({
        from: i === 0 ? `${a}#k` : `dataset:x:${i}#${from}`,
        to: `dataset:x:${i + 1}#${to}`,
        how: 'direct' as const,
        job: job(String(i)),
      })),
    ),
  ).flat()
  const { fields } = await reachFrom(edges)
  assert.equal(fields.size, 1 + 2 * layers)
  assert.ok([...fields.values()].every(({ certain }) => certain))
})
