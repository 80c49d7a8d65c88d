import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RunDetail } from '../../../record/lineage/graph.ts'
import { qualified } from './prov-writer.ts'
import { ProvDocument } from './prov.ts'

const second = 1_000_000
const use = (dataset: string, version?: string) => ({
  dataset,
  ...(version === undefined ? {} : { version }),
  resolved: version === undefined ? ('unknown' as const) : ('stated' as const),
  facets: {},
  here: {},
})

export function runDetail(changes: Partial<RunDetail> = {}): RunDetail {
  return {
    asOf: 9,
    id: 'r1',
    job: 'job:n:j',
    state: 'COMPLETE',
    started: 10 * second,
    updated: 20 * second,
    ended: 20 * second,
    producer: 'https://example.org/p',
    facets: [],
    inputs: [use('dataset:n:a', 'v1')],
    outputs: [use('dataset:n:b', 'v2')],
    first: 0,
    last: 1,
    events: 2,
    ...changes,
  }
}

type Prov = Record<string, Record<string, Record<string, string>>>
function written(runs: readonly [RunDetail, string[]][]): Prov {
  const document = new ProvDocument()
  for (const [run, owners] of runs) document.add(run, owners)
  return JSON.parse([...document.text()].join('')) as Prov
}

test('a run is an activity that used a version, generated a version, for a producer on behalf of an owner', () => {
  const prov = written([[runDetail(), ['team-a']]])
  const run = qualified('run', 'r1')
  assert.deepEqual(Object.keys(prov.activity!), [run])
  assert.equal(prov.activity![run]!['prov:startTime'], '1970-01-01T00:00:10.000000Z')
  assert.equal(prov.activity![run]!['prov:endTime'], '1970-01-01T00:00:20.000000Z')
  assert.equal(Object.keys(prov.entity!).length, 4, 'two datasets, two versions')
  const [a, b] = [qualified('version', 'dataset:n:a', 'v1'), qualified('version', 'dataset:n:b', 'v2')]
  assert.equal(Object.values(prov.used!)[0]!['prov:entity'], a)
  assert.equal(Object.values(prov.wasGeneratedBy!)[0]!['prov:entity'], b)
  assert.deepEqual(Object.values(prov.wasDerivedFrom!), [
    { 'prov:generatedEntity': b, 'prov:usedEntity': a, 'prov:activity': run },
  ])
  assert.equal(Object.keys(prov.wasAssociatedWith!).length, 1)
  assert.equal(Object.values(prov.actedOnBehalfOf!)[0]!['prov:responsible'], qualified('agent', 'owner:team-a'))
})

test('a run that failed used what it read and generated nothing', () => {
  const prov = written([[runDetail({ state: 'FAIL' }), []]])
  assert.equal(Object.keys(prov.used!).length, 1)
  assert.equal(prov.wasGeneratedBy, undefined)
  assert.equal(prov.wasDerivedFrom, undefined)
})

test('unknown versions of two runs are not one entity', () => {
  const unknown = { inputs: [use('dataset:n:a')] }
  const prov = written([
    [runDetail(unknown), []],
    [runDetail({ ...unknown, id: 'r2' }), []],
  ])
  assert.equal(new Set(Object.values(prov.used!).map((each) => each['prov:entity'])).size, 2)
})

test('the same run again adds nothing', () => {
  const once: [RunDetail, string[]] = [runDetail(), ['o']]
  assert.deepEqual(written([once, once]), written([once]))
})

test('any names give qualified names, and different names different ones', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(name, name, name, name, (a, b, c, d) => {
      const [one, other] = [qualified('version', a, b), qualified('version', c, d)]
      assert.match(one, /^whence:version\.[A-Za-z0-9_%-]+\.[A-Za-z0-9_%-]+$/)
      if (a.toWellFormed() !== c.toWellFormed() || b.toWellFormed() !== d.toWellFormed()) assert.notEqual(one, other)
    }),
  )
})
