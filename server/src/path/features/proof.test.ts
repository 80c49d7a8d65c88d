// The columns that we read out of expressions, held against what the engine cannot do without.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isFault } from '../../fault.ts'
import { parseContract } from '../../rules/contracts/contract.ts'
import { openProver } from '../../store/prover.ts'
import { compileView } from './compile.ts'
import type { StreamShape } from './events.ts'
import { heldAgainst, provenColumns } from './proof.ts'
import { testFolder } from './testing.ts'
import { usesOf } from './uses.ts'
import { parseView } from './view.ts'

const { columns } = await testFolder()
const prover = openProver()
after(() => prover.close())

const shapes: StreamShape[] = [
  {
    stream: 's',
    contract: 's@1.0.0',
    columns: [
      { name: 'a', type: 'BIGINT' },
      { name: 'b', type: 'BIGINT' },
      { name: 'kind', type: 'VARCHAR' },
      { name: 'Mixed "Case"', type: 'BIGINT' },
      { name: 'time_zone', type: 'VARCHAR' },
      { name: 'known', type: 'VARCHAR' },
      { name: 'flag', type: 'BOOLEAN' },
    ],
  },
  { stream: 'p', contract: 'p@1.0.0', columns: [{ name: 'tier', type: 'VARCHAR' }] },
]

/** `column: basis` of a feature, sorted; subject and time, which every feature needs, are left out. */
async function edges(text: string): Promise<string[]> {
  const view = parseView(
    `kind: FeatureView\nname: v\nentity: e\nsource: s\nfeatures:\n  - { name: f, ${text} }\n  - { name: g, type: int64, expr: sum(b) }\n`,
    'v.yaml',
  )
  const compiled = await compileView(columns, view, shapes)
  const uses = await columns.session((session) => usesOf(session, view.features[0]!))
  const held = heldAgainst(uses, (await provenColumns(prover, compiled)).get('f'))
  assert.deepEqual(
    held.filter(({ column }) => column === 'subject' || column === 'time').map(({ basis }) => basis),
    held.filter(({ column }) => column === 'subject' || column === 'time').map(() => 'verified'),
    text,
  )
  const others = held.filter(({ column }) => column !== 'subject' && column !== 'time')
  return [...new Set(others.map(({ column, basis }) => `${column}: ${basis}`))].toSorted()
}

test('each way gives the same columns of honest expressions, also of other streams and of names of ours', async () => {
  const cases: [string, string[]][] = [
    ['type: int64, expr: count(*)', []],
    ['type: int64, expr: sum(a)', ['a: verified']],
    [`type: int64, filter: "kind = 'x'", expr: sum(a)`, ['a: verified', 'kind: verified']],
    [`type: int64, expr: "sum(case when flag then a else b end)"`, ['a: verified', 'b: verified', 'flag: verified']],
    ['type: string, expr: "arg_max(kind, a)"', ['a: verified', 'kind: verified']],
    ['type: string, expr: "last(kind order by a, time)"', ['a: verified', 'kind: verified']],
    [`type: double, expr: "count(*) filter (where flag) / nullif(count(a), 0)"`, ['a: verified', 'flag: verified']],
    [`type: int64, expr: 'max("mixed ""case""")'`, ['mixed "case": verified']],
    ['type: string, expr: max(time_zone)', ['time_zone: verified']],
    ['type: string, expr: max(field.known)', ['known: verified']],
    ['type: string, source: p, expr: "arg_max(tier, time)"', ['tier: verified']],
    [
      `type: int64, window: 7d, expr: "count(distinct a % b) filter (where kind in ('x', 'y') or not flag)"`,
      ['a: verified', 'b: verified', 'flag: verified', 'kind: verified'],
    ],
    ['type: int64, expr: "sum(a * 0)"', ['a: verified']],
  ]
  for (const [text, expected] of cases) assert.deepEqual(await edges(text), expected, text)
})

test('what stands in an expression and decides nothing is conservative: the engine does without it', async () => {
  const cases: [string, string[]][] = [
    ['type: int64, expr: "max(case when false then a else b end)"', ['a: conservative', 'b: verified']],
    ['type: int64, expr: "sum(b) filter (where true or a > 1)"', ['a: conservative', 'b: verified']],
    [`type: int64, filter: "1 = 2 and kind = 'x'", expr: sum(b)`, ['b: verified', 'kind: conservative']],
  ]
  for (const [text, expected] of cases) assert.deepEqual(await edges(text), expected, text)
})

test('of the examples every edge is verified', async () => {
  const root = fileURLToPath(new URL('../../../../examples', import.meta.url))
  const views = globSync('*/features/*.yaml', { cwd: root })
  assert.ok(views.length >= 3)
  for (const path of views) {
    const folder = path.split(/[\\/]/)[0]!
    const known = globSync(`${folder}/contracts/*.yaml`, { cwd: root }).map((file): StreamShape => {
      const contract = parseContract(readFileSync(`${root}/${file}`, 'utf8'), file)
      return { stream: contract.stream, contract: `${contract.id}@${contract.version}`, columns: contract.columns }
    })
    const view = parseView(readFileSync(`${root}/${path}`, 'utf8'), path)
    const proven = await provenColumns(prover, await compileView(columns, view, known))
    for (const feature of view.features) {
      const uses = await columns.session((session) => usesOf(session, feature))
      for (const { column, basis } of heldAgainst(uses, proven.get(feature.name)))
        assert.equal(basis, 'verified', `${path} ${feature.name} ${column}`)
    }
  }
})

test('without a proof nothing is verified', async () => {
  const [feature] = parseView(
    'kind: FeatureView\nname: v\nentity: e\nsource: s\nfeatures:\n  - { name: f, type: int64, expr: sum(a) }',
    'v',
  ).features
  const uses = await columns.session((session) => usesOf(session, feature!))
  assert.ok(heldAgainst(uses, undefined).every(({ basis }) => basis === 'unverified'))
  assert.deepEqual(
    heldAgainst([], new Set(['a'])).map(({ column, basis }) => [column, basis]),
    [['a', 'unverified']],
  )
})

test('the prover reads and writes nothing, and forgets each question', async () => {
  const table = { name: 'events0', columns: [{ name: 'a', type: 'BIGINT' as const }] }
  for (const query of [
    `FROM read_text('/etc/passwd')`,
    `SELECT a FROM events0; COPY events0 TO '/tmp/never.csv'`,
    `SELECT nothing FROM events0`,
  ])
    await assert.rejects(prover.needed([table], [query]), (error) => isFault(error, 'invalid'), query)
  const [needed] = await prover.needed([table], ['SELECT a FROM events0'])
  assert.deepEqual([...needed!.get('events0')!], ['a'])
  await assert.rejects(prover.needed([], ['SELECT a FROM events0']), (error) => isFault(error, 'invalid'))
})
