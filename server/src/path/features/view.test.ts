import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '../../fault.ts'
import { parseView, placeIn, sourcesOf } from './view.ts'

const text = `# How a customer has dealt with us.
kind: FeatureView
name: customer_engagement
owner: growth-ml
entity: customer
source: touchpoints
ttl: 30d
features:
  - { name: impressions_7d, type: int64, window: 7d, expr: "count(*) filter (where interaction = 'impression')" }
  - name: tier
    type: string
    source: profile
    expr: arg_max(tier, time)
    sentence: is a {value} customer
`

test('reads a view', () => {
  const view = parseView(text, 'engagement.yaml')
  assert.equal(view.name, 'customer_engagement')
  assert.equal(view.ttl, 30 * 86_400_000_000)
  assert.deepEqual(sourcesOf(view), ['touchpoints', 'profile'])
  assert.deepEqual(view.features[0], {
    name: 'impressions_7d',
    type: 'int64',
    window: 7 * 86_400_000_000,
    source: 'touchpoints',
    expr: "count(*) filter (where interaction = 'impression')",
    place: 'engagement.yaml line 9',
    lines: { file: 'engagement.yaml', expr: [{ from: 0, line: 9 }] },
  })
  assert.equal(view.features[1]!.place, 'engagement.yaml line 10')
})

test('knows in which line each part of an expression stands, however YAML folds it', () => {
  const parsed = parseView(
    `kind: FeatureView
name: v
entity: person
source: s
features:
  - name: folded
    type: int64
    expr: >-
      count(*)
        filter (where a)

      + count(b)
  - name: literal
    filter: |
      a

      and b
    type: int64
    expr: "count(*) +
      count(c)"
  - name: plain
    type: int64
    expr: count(*)
      + count(d)
`,
    'v.yaml',
  )
  const [folded, literal, plain] = parsed.features
  const at = (feature: typeof folded, part: 'expr' | 'filter', text: string): string =>
    placeIn(feature!, part, feature![part]!.indexOf(text))
  assert.equal(folded!.place, 'v.yaml line 6')
  assert.equal(at(folded, 'expr', 'count(*)'), 'v.yaml line 9')
  assert.equal(at(folded, 'expr', 'filter'), 'v.yaml line 10')
  assert.equal(at(folded, 'expr', 'count(b)'), 'v.yaml line 12')
  assert.equal(at(literal, 'filter', 'a'), 'v.yaml line 15')
  assert.equal(at(literal, 'filter', 'b'), 'v.yaml line 17')
  assert.equal(at(literal, 'expr', 'count(*)'), 'v.yaml line 19')
  assert.equal(at(literal, 'expr', 'count(c)'), 'v.yaml line 20')
  assert.equal(at(plain, 'expr', 'count(d)'), 'v.yaml line 24')
})

const wrong: [string, (text: string) => string, RegExp][] = [
  [
    'a type that does not exist',
    (text) => text.replace('int64', 'integer'),
    /^v.yaml line 9: features.0.type: must be int64, double/,
  ],
  ['a window without a unit', (text) => text.replace('window: 7d', 'window: 7'), /^v.yaml line 9: features.0.window/],
  [
    'a window of nothing',
    (text) => text.replace('window: 7d', 'window: 0d'),
    /^v.yaml line 9: features.0.window: must be a number of/,
  ],
  ['a field that does not exist', (text) => text.replace('ttl: 30d', 'tll: 30d'), /^v.yaml line 7: .*"tll"/],
  [
    'a name that SQL would not take',
    (text) => text.replace('name: tier', 'name: ti er'),
    /^v.yaml line 10: features.1.name/,
  ],
  [
    'a word of ours as a name',
    (text) => text.replace('name: tier', 'name: Subject'),
    /^v.yaml line 10: features.1.name: is a word/,
  ],
  ['a name twice', (text) => text.replace('name: tier', 'name: Impressions_7D'), /^v.yaml line 10: .*declared twice/],
  ['no features', (text) => text.replace(/features:[^]*/, 'features: []'), /^v.yaml line 8: features/],
  ['another kind of file', (text) => text.replace('FeatureView', 'DataContract'), /^v.yaml line 2: kind/],
  ['a repeated key', (text) => `${text}ttl: 1d\n`, /^v.yaml line 15: .*unique/i],
  ['broken YAML', (text) => text.replace('name: tier', 'name: [tier'), /^v.yaml line 1\d: /],
  [
    'a decimal with more digits behind the point than in all',
    (text) => text.replace('int64', '"decimal(2,3)"'),
    /more digits/,
  ],
]
for (const [what, change, message] of wrong) {
  test(`refuses ${what}, naming file and line`, () => {
    assert.throws(
      () => parseView(change(text), 'v.yaml'),
      (error) => {
        assert.ok(isFault(error, 'invalid'))
        assert.match(error.message, message)
        return true
      },
    )
  })
}
