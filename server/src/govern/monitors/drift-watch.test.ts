import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyBins } from '../../rules/monitors/copy-bins.ts'
import { monitorForm } from '../../rules/monitors/monitor.ts'
import type { Drift } from '../../rules/monitors/monitor.ts'
import { DriftWatch } from './drift-watch.ts'
import type { Drifted } from './drift-watch.ts'

const monitorOf = (metric: string, more = '') =>
  monitorForm.parse(
    `kind: Monitor\nname: m\nby: agent\nmetric: ${metric}\ntest: { kind: drift, rows: 50${more} }`,
    'm.yaml',
  )

/** Reads texts or inputs of one agent, one a record. */
async function run(
  drift: Drift,
  rows: readonly ({ text: string } | { features: Record<string, string | number | null> })[],
  watch = new DriftWatch(monitorOf(drift)),
): Promise<Drifted[]> {
  const found: Drifted[] = []
  for (const [at, row] of rows.entries()) {
    const bins =
      'text' in row
        ? await copyBins(drift, [{ part: 'text', text: row.text }], undefined)
        : await copyBins(drift, [], { features: row.features })
    found.push(...watch.read({ at, recorded: at, environment: 'production', groups: { agent: 'writer' }, bins }))
  }
  return found
}
const times = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i))

const english = (i: number) => ({
  text: `Dear customer, our spring sale has begun and there are new boots in the shop, number ${i}.`,
})
const german = (i: number) => ({
  text: `Liebe Kundin, unser Schlussverkauf hat begonnen, und es gibt neue Stiefel im Laden, Nummer ${i}.`,
})

test('length, language, vocabulary: another kind of text is drift, more of the same is not', async () => {
  for (const drift of ['length', 'language', 'vocabulary'] as const)
    assert.deepEqual(await run(drift, times(200, english)), [], drift)
  const [language] = await run('language', [...times(50, english), ...times(50, german)])
  assert.deepEqual(language!.drift.largest.map(({ bin }) => bin).toSorted(), ['de', 'en'])
  assert.equal(language!.counted.units, 50)
  const [words] = await run('vocabulary', [...times(50, english), ...times(50, german)])
  assert.deepEqual([words!.drift.of, words!.drift.largest], ['vocabulary', []])
  const longer = times(50, (i) => ({ text: english(i).text.repeat(4) }))
  const [length] = await run('length', [...times(50, english), ...longer])
  assert.ok(length!.drift.psi > 0.25 && length!.drift.js > 0.1)
})

test('inputs: each by itself, the one that moved most is named, and none of its values', async () => {
  const row = (i: number, spent: number) => ({ features: { spent, city: `city-${i % 4}`, none: null } })
  assert.deepEqual(
    await run(
      'inputs',
      times(300, (i) => row(i, 10 + (i % 7))),
    ),
    [],
  )
  const [found] = await run('inputs', [...times(50, (i) => row(i, 10 + (i % 7))), ...times(50, (i) => row(i, 900 + i))])
  assert.equal(found!.drift.of, 'spent')
  const [city] = await run('inputs', [
    ...times(50, (i) => row(i, 10)),
    ...times(50, (i) => ({ features: { spent: 10, city: `elsewhere-${i % 3}`, none: null } })),
  ])
  assert.equal(city!.drift.of, 'city')
  assert.ok(!JSON.stringify(city).includes('elsewhere'))
})

test('chance alone is no drift: few rows over many bins', async () => {
  // Fifty different words each time: PSI is large, and no larger than chance makes it.
  const random = (i: number) => ({ text: `word${String.fromCodePoint(97 + ((i * 7) % 26), 97 + ((i * 11) % 26))}` })
  assert.deepEqual(await run('vocabulary', times(400, random)), [])
})

test('once until it is cleared; then what came after is the reference', async () => {
  const watch = new DriftWatch(monitorOf('length'))
  const long = (i: number) => ({ text: english(i).text.repeat(4) })
  assert.equal((await run('length', [...times(50, english), ...times(100, long)], watch)).length, 1)
  watch.clear('writer', 150)
  assert.deepEqual(await run('length', times(150, long), watch), [])
  assert.equal((await run('length', times(50, english), watch)).length, 1)
})

test('what cannot be read is counted and compared with nothing; hostile copy is read in bounds', async () => {
  const watch = new DriftWatch(monitorOf('length'))
  watch.read({ at: 0, recorded: 0, environment: 'production', groups: { agent: 'writer' }, bins: undefined })
  watch.read({ at: 1, recorded: 0, environment: 'production', groups: { agent: 'writer' }, bins: new Map() })
  assert.equal(watch.unread, 2)
  assert.deepEqual(watch.states(), [])
  const huge = { part: 'html', text: `<p>${'\u200b<b>'.repeat(100_000)}\ud800` }
  for (const drift of ['length', 'language', 'vocabulary'] as const)
    assert.ok((await copyBins(drift, [huge], undefined)).size <= 1)
  const many = Object.fromEntries(times(5000, (i) => [`f${i}`, i]))
  assert.equal((await copyBins('inputs', [], { features: many })).size, 100)
  const odd = await copyBins('inputs', [], { features: { a: 0, b: -3, c: 1e308, d: true, e: '' } })
  assert.deepEqual([odd.get('a'), odd.get('b'), odd.get('d')], [['0'], ['−2^1.5'], ['true']])
})
