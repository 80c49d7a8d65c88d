import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFault } from '../../fault.ts'
import { quote } from '../../store/columns.ts'
import type { Plain } from '../../store/columns.ts'
import { compileView } from './compile.ts'
import type { CompiledView } from './compile.ts'
import { functionKind, mustNotBeNull } from './functions.ts'
import type { StreamShape } from './events.ts'
import { eventFields } from './events.ts'
import { subject, testFolder } from './testing.ts'
import { parseView } from './view.ts'
import type { Feature, FeatureView } from './view.ts'

const { folder, columns } = await testFolder()

const shapes: StreamShape[] = [
  {
    stream: 'clicks',
    contract: 'clicks@1.0.0',
    columns: [
      { name: 'kind', type: 'VARCHAR' },
      { name: 'n', type: 'BIGINT' },
      { name: 'x', type: 'DOUBLE' },
      { name: 'price', type: 'DECIMAL(18,2)' },
      { name: 'Odd "name"', type: 'BIGINT' },
      { name: 'seq', type: 'BIGINT' },
    ],
  },
]

const secret = join(folder, 'secret.txt')
writeFileSync(secret, 'secret')

function viewOf(feature: Partial<Feature> & { expr: string }, change: Partial<FeatureView> = {}): FeatureView {
  const whole: Feature = { name: 'f', type: 'int64', source: 'clicks', place: 'v.yaml line 7', ...feature }
  return { name: 'v', entity: 'person', source: 'clicks', features: [whole], ...change }
}
const compiled = (feature: Partial<Feature> & { expr: string }): Promise<CompiledView> =>
  compileView(columns, viewOf(feature), shapes)

const refused: [string, Partial<Feature> | undefined, RegExp][] = [
  // Reading something else than the source's events.
  [`count(*) from read_text(${quote(secret)})`, {}, /without FROM/],
  [`(select count(*) from read_text(${quote(secret)}))`, {}, /subquery/],
  [`max(read_text(${quote(secret)}))`, {}, /nothing but its source/],
  [`count(*) filter (where exists (from read_text(${quote(secret)})))`, {}, /subquery/],
  [`count(*) filter (where kind in (select content from read_text(${quote(secret)})))`, {}, /subquery/],
  [`count(*)) from read_text(${quote(secret)}) group by (1`, {}, /syntax error/],
  [`count(*) -- \n from read_csv('/etc/passwd')`, {}, /without FROM/],
  [`max(getenv('HOME'))`, {}, /reads nothing but its events/],
  [`max(getvariable('x'))`, {}, /reads nothing but its events/],
  [`max(current_setting('temp_directory'))`, {}, /refused/],
  [`any_value(glob('/*'))`, {}, /any_value\(\)|glob\(\)/],
  ['max(current_database())', {}, /refused/],
  // Doing something.
  [`count(*); copy (select 1) to ${quote(join(folder, 'out.csv'))}`, {}, /Only SELECT|several/],
  ['drop table x', {}, /syntax error|Only SELECT/],
  [`nextval('s')`, {}, /reads nothing but its events/],
  [`count(*), 2`, {}, /second column/],
  ['count(*) where true', {}, /without FROM/],
  ['count(*) limit 1', {}, /without FROM/],
  ['count(*) union select 1', {}, /without FROM/],
  ['count(*) as total', {}, /the name total/],
  ['max(row(a := n))', {}, /syntax error/],
  ['distinct on (1) count(*)', {}, /without FROM/],
  ['count(*) group by all', {}, /without FROM/],
  // Another answer at another time, or in another order.
  ['max(random())', {}, /from run to run/],
  ['max(now())', {}, /use as_of/],
  ['max(current_timestamp)', {}, /use as_of/],
  ['max(current_date)', {}, /use as_of/],
  ['max(today())', {}, /use as_of/],
  ['max(age(time))', {}, /use as_of/],
  ['max(uuid())', {}, /from run to run/],
  ['count(*) + txid_current()', {}, /not on the list/],
  ['approx_count_distinct(kind)', {}, /estimate/],
  ['reservoir_quantile(n, 0.5)', {}, /estimate/],
  ['approx_quantile(n, 0.5)', {}, /estimate/],
  ['count(*) using sample 10%', {}, /without FROM/],
  ['first(n)', {}, /say which/],
  ['last(n)', {}, /say which/],
  ['any_value(n)', {}, /say which/],
  ['len(list(n))', {}, /say which/],
  [`string_agg(kind, ',')`, { type: 'string' }, /say which/],
  ['mode(n)', {}, /say which/],
  ['histogram(kind)', {}, /not on the list/],
  ['max(kind collate nocase)', { type: 'string' }, /COLLATE/],
  // Floating point without a tolerance.
  ['sum(x)', { type: 'double' }, /over DOUBLE/],
  ['avg(x)', { type: 'double' }, /over DOUBLE/],
  ['sum(price * 0.5e0)', { type: 'double' }, /over DOUBLE/],
  ['sum(n / 2)', { type: 'double' }, /over DOUBLE/],
  ['stddev(n)', { type: 'double' }, /tolerance/],
  ['max(ln(n))', { type: 'double' }, /tolerance/],
  ['max(n ** 0.5)', { type: 'double' }, /tolerance/],
  // Not a feature.
  ['n', {}, /outside an aggregate/],
  ['count(*) + n', {}, /outside an aggregate/],
  ['max(time) - time', {}, /outside an aggregate/],
  ['1', {}, /no aggregate/],
  ['as_of', { type: 'timestamp' }, /no aggregate/],
  ['max(missing)', {}, /clicks@1.0.0.* has no column "missing"/],
  ['max(clicks.n)', {}, /no column/],
  ['max(subject)', {}, /no column "subject"/],
  ['max("in:0")', { type: 'boolean' }, /no column/],
  ['count(*) over ()', {}, /window function/],
  ['row_number() over (order by n)', {}, /window function/],
  ['sum(count(*))', {}, /stands in another aggregate/],
  ['max(n) filter (where max(n) > 1)', {}, /stands in a FILTER/],
  ['count(columns(*))', {}, /COLUMNS/],
  ['count(#1)', {}, /positional/],
  ['max(n) + $1', {}, /parameter/],
  ['max(list_transform([n], lambda y: y)[1])', {}, /lambda|not on the list/],
  ['abs(distinct count(*))', {}, /no aggregate|Binder|DISTINCT/],
  ['max(n::FLOAT)', { type: 'double' }, /use DOUBLE/],
  ['max(kind::some_type)', {}, /cast to some_type/],
  ['max(kind::ENUM(1))', {}, /.*/],
  ['pg_catalog.count(n)', {}, /not allowed/],
  ['system.main.count(n)', {}, /not allowed/],
  ['export_state(count(*))', {}, /.*/],
  ['max(kind)', {}, /gives VARCHAR, but the feature is int64/],
  ['count(*) / 2', {}, /gives DOUBLE, but/],
  // Texts that grow inside each other.
  [
    `count(*) filter (where length(${'replace('.repeat(6)}'a'${", 'a', 'aaaaaaaaaaaaaaaaaaaa')".repeat(6)}) > 1)`,
    {},
    /2 deep/,
  ],
  [`max(${'hex('.repeat(40)}kind${')'.repeat(40)})`, { type: 'string' }, /2 deep/],
  [`max(replace(kind, 'a', '${'b'.repeat(33)}'))`, { type: 'string' }, /at most 32 characters/],
  [`max(replace(kind, 'a', kind))`, { type: 'string' }, /at most 32 characters/],
  [
    `max(array_to_string(str_split(hex(replace(kind, 'a', 'b')), ''), 'abc'))`,
    { type: 'string' },
    /may stand inside each other/,
  ],
  ['max(n)', { type: 'timestamp' }, /gives BIGINT, but/],
  ['sum(kind)', {}, /No function matches/],
  ['', {}, /without selection list/],
  ['count(*', {}, /syntax error/],
  ['count(*)\0 from nowhere', {}, /zero character/],
  [`${'abs('.repeat(101)}count(*)${')'.repeat(101)}`, {}, /nested more than 100/],
  [`count(*)${' + 1'.repeat(2000)}`, {}, /depth/],
  ['count(*)', { filter: 'n' }, /is BIGINT, not a condition/],
  ['count(*)', { filter: 'max(n) > 1' }, /stands in the filter/],
  ['count(*)', { filter: 'true) or (select true' }, /syntax error/],
  ['count(*)', { filter: 'random() < 0.5' }, /from run to run/],
  ['count(*)', { filter: `kind = (select 'a')` }, /subquery/],
]

test('refuses what reads, does or depends on anything else, with a sentence that names the feature', async () => {
  for (const [expr, feature, message] of refused) {
    await assert.rejects(
      compiled({ ...feature, expr }),
      (error) => {
        assert.ok(isFault(error, 'invalid'), `${expr}: ${String(error)}`)
        assert.match(error.message, message, expr)
        assert.match(error.message, /^v\.yaml line 7: feature f: /, expr)
        return true
      },
      expr,
    )
  }
  assert.equal(readFileSync(secret, 'utf8'), 'secret')
})

/** The values of one event-list, computed by the snapshot frame. */
async function value(feature: Partial<Feature> & { expr: string }, rows: unknown[][], at = 1_000_000): Promise<Plain> {
  const view = await compiled(feature)
  const events = rows.map((values, seq) => ({ seq, subject: subject(1), time: seq * 1000, known: 0, values }))
  return columns.session(async (session) => {
    await session.load('clicks', eventFields('clicks', shapes[0]!.columns), [events])
    const row = await session.row<{ f: Plain }>(`SELECT f FROM (${view.snapshot((stream) => stream, at, 1000)})`)
    return row.f
  })
}

test('accepts what has one answer', async () => {
  const rows = [
    ['a', 1, 0.5, '1.50', 7, 30],
    ['b', 2, 1.5, '2.50', 8, 20],
    ['a', 3, 2.5, null, 9, 10],
  ]
  const cases: [Partial<Feature> & { expr: string }, Plain][] = [
    [{ expr: 'COUNT(*)' }, 3n],
    [{ expr: 'count(distinct kind)' }, 2n],
    [{ expr: 'sum(n)' }, 6n],
    [{ expr: 'sum(n) filter (n > 1)' }, 5n],
    [{ expr: 'sum(price)', type: 'decimal' }, '4.00'],
    [{ expr: 'sum(price)', type: 'decimal(10,1)' }, '4.0'],
    [{ expr: 'avg(price)', type: 'double' }, 2],
    [{ expr: 'sum(x)', type: 'double', tolerance: 1e-9 }, 4.5],
    [{ expr: 'sum(x::decimal(18,1))', type: 'decimal' }, '4.5'],
    [{ expr: 'stddev_pop(n)', type: 'double', tolerance: 1e-9 }, Math.sqrt(2 / 3)],
    [{ expr: 'median(n)', type: 'double' }, 2],
    [{ expr: 'quantile_disc(n, 0.9)' }, 3n],
    [{ expr: 'max(N)' }, 3n],
    [{ expr: 'max("odd ""NAME""")' }, 9n],
    [{ expr: 'max(seq)' }, 30n],
    [{ expr: 'max(field.seq)' }, 30n],
    [{ expr: 'last(n order by time)' }, 3n],
    [{ expr: 'first(n order by kind desc)' }, 2n],
    [{ expr: `string_agg(kind, '-' order by n desc)`, type: 'string' }, 'a-b-a'],
    [{ expr: `string_agg(distinct kind, '-' order by kind desc)`, type: 'string' }, 'b-a'],
    [{ expr: 'mode(kind order by n)', type: 'string' }, 'a'],
    [{ expr: 'arg_max(kind, n)', type: 'string' }, 'a'],
    [{ expr: `bool_or(kind like 'a%' and n between 2 and 3)`, type: 'boolean' }, true],
    [{ expr: `count(*) filter (where kind in ('a', 'c') and not n = 1)` }, 1n],
    [{ expr: `case when count(*) > 2 then 'many' else 'few' end`, type: 'string' }, 'many'],
    [{ expr: `coalesce(max(nullif(kind, 'b')), 'none')`, type: 'string' }, 'a'],
    [{ expr: `date_diff('millisecond', max(time), as_of)` }, 998n],
    [{ expr: `count(*) filter (where time > as_of - interval '999 milliseconds')` }, 1n],
    [{ expr: 'epoch_us(max(time))' }, 2000n],
    [{ expr: `max(n::DECIMAL(10,2))`, type: 'decimal' }, '3.00'],
    [{ expr: `max(try_cast(kind as BIGINT))` }, null],
    [{ expr: 'count(*)', filter: `"kind" <> 'a'` }, 1n],
    [{ expr: 'sum(9007199254740993)' }, 3n * 9007199254740993n],
    [{ expr: `max(timestamp '2020-01-01 00:00:00.000001')`, type: 'timestamp' }, 1577836800000001],
    [{ expr: 'max(1e-1)', type: 'double' }, 0.1],
    [{ expr: 'max(0.1)', type: 'decimal' }, '0.1'],
    [{ expr: '-max(n) - -1' }, -2n],
    [{ expr: `max('it''s')`, type: 'string' }, `it's`],
  ]
  for (const [feature, expected] of cases) assert.deepEqual(await value(feature, rows), expected, feature.expr)
})

test('counts no event in an empty window as 0, and its time as NULL', async () => {
  const rows = [['a', 1, 0, 0, 0, 0]]
  const far = 365 * 86_400_000_000
  assert.equal(await value({ expr: 'count(*)', window: 1_000_000 }, rows, far), 0n)
  assert.equal(await value({ expr: 'max(time)', type: 'timestamp', window: 1_000_000 }, rows, far), null)
  assert.equal(await value({ expr: 'coalesce(sum(n), 0)', window: 1_000_000 }, rows, far), 0n)
})

test('ties of arg_max and of an ORDER BY go by position on the ledger', async () => {
  const rows = Array.from({ length: 500 }, (_, n) => ['a', n, 0, 0, 1, n % 2])
  assert.equal(await value({ expr: 'arg_max(n, "odd ""name""")' }, rows), 499n)
  assert.equal(await value({ expr: 'arg_min(n, "odd ""name""")' }, rows), 0n)
  assert.equal(await value({ expr: 'last(n order by "odd ""name""")' }, rows), 499n)
  assert.equal(await value({ expr: 'first(n order by field.seq desc)' }, rows), 1n)
})

const text = `
kind: FeatureView
name: engagement
owner: growth
entity: person
source: clicks
ttl: 30d
features:
  - { name: recent, type: int64, window: 7d, filter: "kind = 'a'", expr: "count(*) filter (where n > 1000)" }
  - { name: spent, type: decimal, window: 30d, expr: "sum(price)" }
`
const fingerprint = async (change: (text: string) => string, contract = 'clicks@1.0.0'): Promise<string> =>
  (await compileView(columns, parseView(change(text), 'v.yaml'), [{ ...shapes[0]!, contract }])).fingerprint

test('the fingerprint is of what decides values, not of its layout', async () => {
  const original = await fingerprint((text) => text)
  assert.match(original, /^fp1:[0-9a-f]{64}$/)
  const same: [string, (text: string) => string][] = [
    [
      'layout',
      (text) => text.replace('count(*) filter (where n > 1000)', 'COUNT( * )  FILTER (WHERE (n) > 1000) -- all'),
    ],
    ['case of names', (text) => text.replace('n > 1000', 'N > 1000').replace('sum(price)', 'Sum(PRICE)')],
    ['another spelling of an operator', (text) => text.replace("kind = 'a'", "kind == 'a'")],
    ['owner', (text) => text.replace('growth', 'other')],
    ['description', (text) => text.replace('entity:', 'description: about people\nentity:')],
    ['sentence', (text) => text.replace('type: int64,', 'type: int64, sentence: "did {value}",')],
    ['the same window in another unit', (text) => text.replace('7d', '168h')],
    ['comments', (text) => `# note\n${text}`],
  ]
  for (const [what, change] of same) assert.equal(await fingerprint(change), original, what)

  const other: [string, (text: string) => string][] = [
    ['a constant', (text) => text.replace('1000', '500')],
    ['an operator', (text) => text.replace('n > 1000', 'n >= 1000')],
    ['a window', (text) => text.replace('7d', '8d')],
    ['no window', (text) => text.replace(' window: 7d,', '')],
    ['a filter', (text) => text.replace("kind = 'a'", "kind = 'b'")],
    ['no filter', (text) => text.replace(` filter: "kind = 'a'",`, '')],
    ['a type', (text) => text.replace('type: decimal', 'type: double')],
    ['ttl', (text) => text.replace('30d\nfeatures', '31d\nfeatures')],
    ['an aggregate', (text) => text.replace('sum(price)', 'max(price)')],
    ['DISTINCT', (text) => text.replace('sum(price)', 'sum(distinct price)')],
    ['a name', (text) => text.replace('spent', 'paid')],
    ['a tolerance', (text) => text.replace('type: decimal,', 'type: decimal, tolerance: 0.1,')],
    ['a feature more', (text) => `${text}  - { name: all, type: int64, expr: count(*) }\n`],
    ['the entity', (text) => text.replace('person', 'household')],
  ]
  const seen = new Set([original, await fingerprint((text) => text, 'clicks@1.0.1')])
  assert.equal(seen.size, 2)
  for (const [what, change] of other) {
    const changed = await fingerprint(change)
    assert.ok(!seen.has(changed), what)
    seen.add(changed)
  }
})

test('a stream without a contract is named', async () => {
  await assert.rejects(compileView(columns, viewOf({ expr: 'count(*)', source: 'other' }), shapes), (error) => {
    assert.ok(isFault(error, 'not_found'))
    assert.match(error.message, /other/)
    return true
  })
})

test('a fault inside an expression names the line of the file that it stands in', async () => {
  const yaml = (expr: string, filter = 'true'): string => `kind: FeatureView
name: v
entity: person
source: clicks
features:
  - name: good
    type: int64
    expr: count(*)
  - name: f
    type: int64
    filter: >-
      n > 0
      and ${filter}
    expr: >-
      count(*)
      + ${expr}
      + count(n)
  - name: g
    type: int64
    expr: |
      -- a comment
      max(n

`
  const cases: [string, RegExp][] = [
    [
      yaml('count(missing)'),
      /^v.yaml line 16: feature f: .* no column "missing"; it has kind, n, x, price, Odd "name", seq/,
    ],
    [yaml('count(*) filter (where random() < 1)'), /^v.yaml line 16: feature f: random/],
    [yaml('n'), /^v.yaml line 16: feature f: column "n" stands outside/],
    [yaml('sum(count(*))'), /^v.yaml line 16: feature f: aggregate/],
    [yaml('max(1 +)'), /^v.yaml line 16: feature f: syntax error/],
    [yaml('sum(kind)'), /^v.yaml line 16: feature f: .*No function matches/],
    [yaml('stddev(n)'), /^v.yaml line 16: feature f: .*tolerance/],
    [yaml('count(*)', 'nothing = 1'), /^v.yaml line 13: feature f: .* no column "nothing"/],
    [yaml('count(*)', "kind ='"), /^v.yaml line 13: feature f: unterminated/],
  ]
  for (const [text, message] of cases) {
    await assert.rejects(compileView(columns, parseView(text, 'v.yaml'), shapes), (error) => {
      assert.ok(isFault(error, 'invalid'))
      const [first, second] = error.message.split('\n')
      assert.match(first!, message)
      // Every feature that is refused is told of at once.
      assert.match(second!, /^v.yaml line 2\d: feature g: syntax error/)
      return true
    })
  }
})

const everyAggregate =
  `count min max bool_and bool_or bit_and bit_or bit_xor median sum avg mean stddev stddev_pop stddev_samp
  variance var_pop var_samp skewness kurtosis kurtosis_pop product fsum kahan_sum sumkahan favg entropy sem mad any_value
  string_agg group_concat listagg mode first last arbitrary list array_agg count_if countif
  corr covar_pop covar_samp regr_avgx regr_avgy regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
  arg_min arg_max argmin argmax min_by max_by`.split(/\s+/)

test('which aggregates skip NULL is as the engine has it, aggregate by aggregate', async () => {
  for (const name of everyAggregate) {
    const kind = functionKind(name) as { aggregate: string }
    const two = mustNotBeNull(name) === 2
    const logical = /^bool|^count_?if/.test(name)
    const order = kind.aggregate === 'ordered' ? ' ORDER BY k' : ''
    const argument = logical ? 'x > 1' : /^(string_agg|group_concat|listagg)$/.test(name) ? 'x::VARCHAR' : 'x'
    const call = `${name}(${argument}${two ? ', y' : ''}${order})`
    const [full, without] = await Promise.all(
      ['true', two ? 'x IS NOT NULL AND y IS NOT NULL' : 'x IS NOT NULL'].map((where) =>
        columns.row(
          `SELECT ${call}::VARCHAR AS v FROM (VALUES (0, NULL, 3), (1, 7, 1), (2, 1, 4), (3, 5, NULL), (4, 3, 2), (5, 4, 8), (6, NULL, 9))
             AS t(k, x, y) WHERE ${where}`,
        ),
      ),
    )
    if (mustNotBeNull(name) === 0) assert.notDeepEqual(full, without, name)
    else assert.deepEqual(full, without, name)
  }
})
