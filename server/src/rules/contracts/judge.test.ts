import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readContent } from './content.ts'
import type { Contract } from './contract.ts'
import { columnValues, extract, judge } from './judge.ts'
import { contractOf } from './testing.ts'

const verdict = (contract: Contract, text: string) => {
  const { value, problems } = readContent(Buffer.from(text))
  return judge(contract, value, problems)
}
const broken = (contract: Contract, value: unknown) =>
  judge(contract, value).violations.map(({ rule, path, message }) => `${rule} ${path}: ${message}`)

/** What a contract with one property `x` says of a value. */
const says = (property: string, value: unknown) =>
  judge(contractOf([`name: x, ${property}`]), { x: value })
    .violations.map(({ type, keyword }) => `${type} ${keyword}`)
    .join()

test('each logical type takes its own values and no others', () => {
  const values: Record<string, unknown> = {
    string: '',
    integer: -3,
    number: 0.5,
    boolean: false,
    timestamp: '2018-07-22T20:40:41Z',
    date: '2018-07-22',
    time: '20:40:41',
    object: {},
    array: [],
  }
  const alsoTakes: Record<string, string[]> = { string: ['timestamp', 'date', 'time'], number: ['integer'] }
  for (const type of Object.keys(values)) {
    for (const [other, value] of Object.entries(values)) {
      const fine = type === other || alsoTakes[type]?.includes(other)
      assert.equal(says(`logicalType: ${type}`, value), fine ? '' : 'Datatype-Mismatch type', `${type} given ${other}`)
    }
    assert.equal(says(`logicalType: ${type}`, null), '', `${type} given null`)
    assert.equal(says(`logicalType: ${type}, required: true`, null), 'Required-Missing required')
  }
  assert.equal(says('logicalType: integer', 2 ** 53), 'Datatype-Mismatch type')
})

test('every constraint is checked, under a precise name', () => {
  const cases: [string, unknown[], unknown[], string][] = [
    ['logicalType: string, logicalTypeOptions: { enum: [a, b] }', ['a'], ['c', ''], 'Enum-Mismatch enum'],
    ['logicalType: integer, logicalTypeOptions: { enum: [1, 2] }', [1], [3], 'Enum-Mismatch enum'],
    ['logicalType: boolean, logicalTypeOptions: { enum: [true] }', [true], [false], 'Enum-Mismatch enum'],
    [
      'logicalType: string, logicalTypeOptions: { pattern: "^[a-z]+$" }',
      ['ab'],
      ['', 'A', 'x'.repeat(70_000)],
      'Pattern-Mismatch pattern',
    ],
    [
      'logicalType: string, logicalTypeOptions: { minLength: 2 }',
      ['ab', '😀é'],
      ['a', '😀', ''],
      'Length-Violation minLength',
    ],
    [
      'logicalType: string, logicalTypeOptions: { maxLength: 2 }',
      ['ab', '😀😀'],
      ['abc', '😀😀😀', 'x'.repeat(10_000_000)],
      'Length-Violation maxLength',
    ],
    [
      'logicalType: string, logicalTypeOptions: { format: email }',
      ['a@b.de'],
      ['a@', 'a b@c.de'],
      'Format-Mismatch format',
    ],
    ['logicalType: integer, logicalTypeOptions: { minimum: 1 }', [1, 2], [0], 'Range-Violation minimum'],
    ['logicalType: integer, logicalTypeOptions: { maximum: 1 }', [1, 0], [2], 'Range-Violation maximum'],
    [
      'logicalType: number, logicalTypeOptions: { exclusiveMinimum: 0 }',
      [0.1],
      [0, -1],
      'Range-Violation exclusiveMinimum',
    ],
    [
      'logicalType: number, logicalTypeOptions: { exclusiveMaximum: 1 }',
      [0.9],
      [1, 2],
      'Range-Violation exclusiveMaximum',
    ],
    [
      'logicalType: number, logicalTypeOptions: { multipleOf: 0.01 }',
      [0.29, 1.1],
      [0.001],
      'Range-Violation multipleOf',
    ],
    ['logicalType: number, physicalType: "decimal(4,2)"', [12.34, -1], [123, 0.001], 'Range-Violation decimal'],
    ['logicalType: integer, logicalTypeOptions: { format: u8 }', [0, 255], [-1, 256], 'Range-Violation format'],
    ['logicalType: number, logicalTypeOptions: { format: f32 }', [1e38], [1e39], 'Range-Violation format'],
    [
      'logicalType: timestamp, logicalTypeOptions: { minimum: "2018-01-01T00:00:00+01:00" }',
      ['2017-12-31T23:00:00Z'],
      ['2017-12-31T22:59:59.999999Z'],
      'Range-Violation minimum',
    ],
    [
      'logicalType: timestamp, logicalTypeOptions: { exclusiveMaximum: "2018-01-01T00:00:00Z" }',
      ['2017-12-31T23:59:59Z'],
      ['2018-01-01T00:00:00Z', '9999-12-31T00:00:00Z'],
      'Range-Violation exclusiveMaximum',
    ],
    [
      'logicalType: date, logicalTypeOptions: { maximum: "2018-01-31" }',
      ['2018-01-31'],
      ['2018-02-01'],
      'Range-Violation maximum',
    ],
    ['logicalType: array, logicalTypeOptions: { minItems: 1 }', [[1]], [[]], 'Length-Violation minItems'],
    ['logicalType: array, logicalTypeOptions: { maxItems: 1 }', [[1], []], [[1, 2]], 'Length-Violation maxItems'],
    ['logicalType: array, logicalTypeOptions: { maxItems: 0 }', [[]], [[1]], 'Length-Violation maxItems'],
    [
      'logicalType: array, logicalTypeOptions: { uniqueItems: true }',
      [[1, '1', true, { a: 1 }, { a: 2 }, [1], '[1]']],
      [
        [1, 1],
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
        [[], []],
      ],
      'Uniqueness-Violation uniqueItems',
    ],
    [
      'logicalType: object, logicalTypeOptions: { minProperties: 1 }',
      [{ a: 1 }],
      [{}],
      'Length-Violation minProperties',
    ],
    [
      'logicalType: object, logicalTypeOptions: { maxProperties: 0 }',
      [{}],
      [{ a: 1 }],
      'Length-Violation maxProperties',
    ],
    [
      'logicalType: object, logicalTypeOptions: { required: [a] }, properties: [{ name: a, logicalType: string }]',
      [{ a: '' }],
      [{}],
      'Required-Missing required',
    ],
    [
      'logicalType: object, properties: [{ name: a, logicalType: string }]',
      [{}],
      [{ b: 1 }],
      'Additional-Properties additional',
    ],
  ]
  for (const [property, good, bad, violation] of cases) {
    for (const value of good) assert.equal(says(property, value), '', `${property} given ${JSON.stringify(value)}`)
    for (const value of bad)
      assert.equal(says(property, value), violation, `${property} given ${JSON.stringify(value)?.slice(0, 80)}`)
  }
})

test('messages say what is wrong with which value', () => {
  const contract = contractOf([
    'name: time, logicalType: timestamp, required: true',
    'name: interaction, logicalType: string, logicalTypeOptions: { enum: [impression, conversion] }',
    'name: n, logicalType: integer',
    'name: value, logicalType: object, properties: [{ name: offer id, logicalType: string, required: true }]',
    'name: tags, logicalType: array, items: { logicalType: object, properties: [{ name: a/b, logicalType: integer }] }',
  ])
  assert.deepEqual(
    broken(contract, {
      time: '2018-07-01T10:00:00',
      interaction: 'click',
      n: 1.5,
      value: { x: 1 },
      tags: [{ 'a/b': 1 }, { 'a/b': 'x'.repeat(500) }, 7],
    }),
    [
      'time.type /time: time "2018-07-01T10:00:00" is no timestamp: it has no zone (end it with Z, or with an offset like +02:00)',
      'interaction.enum /interaction: interaction "click" is none of impression, conversion',
      'n.type /n: n 1.5 is no integer',
      'value.offer id.required /value/offer id: value.offer id is missing',
      'value.additional /value/x: "x" is not in value',
      `tags[]."a/b".type /tags/1/a~1b: tags[]."a/b" "${'x'.repeat(63)}…" is no integer`,
      'tags[].type /tags/2: tags[] 7 is no object',
    ],
  )
})

test('no message quotes what is personal or identifies', () => {
  const contract = contractOf(
    [
      'name: mail, logicalType: string, classification: personal, logicalTypeOptions: { pattern: "^x$" }',
      'name: born, logicalType: timestamp, classification: personal',
      'name: order, logicalType: string, logicalTypeOptions: { maxLength: 3 }',
      'name: card, logicalType: object, classification: personal, properties: [{ name: number, logicalType: integer }]',
      'name: at, logicalType: timestamp, classification: personal',
    ],
    'subject: mail, eventId: order, eventTime: at',
  )
  const event = {
    mail: 'jane@example.org',
    born: '1980-13-01',
    order: 'order-4711',
    card: { number: '4111' },
    at: '2018-14-01',
  }
  const { violations } = judge(contract, event)
  assert.deepEqual(
    violations.map(({ rule }) => rule),
    ['mail.pattern', 'born.type', 'order.maxLength', 'card.number.type', 'at.type', 'event_time'],
  )
  for (const { message } of violations) assert.doesNotMatch(message, /jane|1980|13|4711|4111|14/)
})

test('the gravest violation decides, and `pass` still lists it', () => {
  const contract = contractOf(
    ['a', 'b', 'c', 'd'].map(
      (name, at) =>
        `name: ${name}, logicalType: integer, customProperties: [{ property: whence, value: { onViolation: ${['pass', 'flag', 'quarantine', 'drop'][at]} } }]`,
    ),
  )
  const outcomes = [{ a: '' }, { a: '', b: '' }, { a: '', b: '', c: '' }, { a: '', b: '', c: '', d: '' }].map(
    (event) => {
      const { outcome, violations } = judge(contract, event)
      return `${outcome} ${violations.length}`
    },
  )
  assert.deepEqual(outcomes, ['passed 1', 'flagged 2', 'quarantined 3', 'dropped 4'])
  assert.deepEqual(judge(contract, { a: 1 }), { outcome: 'passed', violations: [] })
})

test('problems of the content get the outcome of the contract', () => {
  const lenient = contractOf(['name: a, logicalType: number'], 'onViolation: flag')
  assert.equal(verdict(lenient, '{"a":1,"a":2}').outcome, 'flagged')
  assert.equal(verdict(lenient, '{"a":1e400}').outcome, 'flagged')
  assert.equal(verdict(lenient, '{"a":').outcome, 'quarantined')
  assert.equal(verdict(lenient, '[1]').outcome, 'quarantined')
  assert.equal(verdict(lenient, '"x"').outcome, 'quarantined')
  assert.equal(verdict(lenient, 'null').outcome, 'quarantined')
  assert.equal(judge(lenient, undefined).outcome, 'quarantined')
  const strict = contractOf(['name: a, logicalType: number'], 'onViolation: drop')
  assert.deepEqual(
    verdict(strict, '{"a":').violations.map(({ outcome, type }) => `${outcome} ${type}`),
    ['drop Content-Malformed'],
  )
})

test('content in doubt about its identity is quarantined whatever onViolation says', () => {
  const contract = contractOf(
    [
      'name: who, logicalType: object, properties: [{ name: id, logicalType: string }]',
      'name: a, logicalType: integer',
    ],
    'subject: who.id, onViolation: pass, additionalProperties: pass',
  )
  const who = '"who":{"id":"x"}'
  assert.equal(verdict(contract, `{${who},"a":1,"a":2}`).outcome, 'passed')
  assert.equal(verdict(contract, `{${who},${who}}`).outcome, 'quarantined')
  assert.equal(verdict(contract, '{"who":{"id":"x","id":"y"}}').outcome, 'quarantined')
  assert.equal(verdict(contract, `{${'"b":1,'.repeat(30)}${who}}`).outcome, 'quarantined')
})

test('names that every object inherits are neither present nor trusted', () => {
  const contract = contractOf([
    'name: constructor, logicalType: string, required: true',
    'name: toString, logicalType: string',
    'name: __proto__, logicalType: object, properties: [{ name: a, logicalType: string, required: true }]',
  ])
  assert.deepEqual(
    verdict(contract, '{}').violations.map(({ rule }) => rule),
    ['constructor.required'],
  )
  assert.equal(verdict(contract, '{"constructor":"c","__proto__":{"a":"x"}}').outcome, 'passed')
  assert.deepEqual(
    verdict(contract, '{"constructor":"c","__proto__":{}}').violations.map(({ rule }) => rule),
    ['__proto__.a.required'],
  )
  const plain = contractOf(['name: a, logicalType: string, required: true'], 'campaign: a')
  assert.deepEqual(
    verdict(plain, '{"__proto__":{"a":"x"}}').violations.map(({ rule }) => rule),
    ['a.required', 'additional'],
  )
  assert.equal(extract(plain, JSON.parse('{"__proto__":{"a":"x"}}')).campaign, undefined)
})

test('a hostile event costs little and says enough', () => {
  const contract = contractOf(['name: a, logicalType: array, items: { logicalType: integer }'])
  const many = judge(contract, { a: Array(1_000_000).fill('x') })
  assert.equal(many.violations.length, 100)
  assert.equal(many.omitted, 999_900)
  assert.equal(many.outcome, 'quarantined')
  const keys = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`k${n}`, n]))
  assert.equal(judge(contract, keys).outcome, 'flagged')
  const long = judge(contract, { ['k'.repeat(10_000_000)]: 1 })
  assert.ok(JSON.stringify(long).length < 1000)
})

test('an event says who, when and under which id', () => {
  const contract = contractOf(
    [
      'name: id, logicalType: integer, required: true',
      'name: n, logicalType: integer',
      'name: who, logicalType: object, properties: [{ name: mail, logicalType: string, classification: personal }]',
      'name: at, logicalType: timestamp',
      'name: learned, logicalType: timestamp',
      'name: offer, logicalType: string',
      'name: agreed, logicalType: boolean',
    ],
    'eventId: id, sequence: n, subject: who.mail, eventTime: at, knownAt: learned, campaign: offer, consent: agreed',
  )
  const event = {
    id: 7,
    n: 3,
    who: { mail: 'a@b.de' },
    at: '1970-01-01T00:00:01Z',
    learned: '1970-01-01T00:00:02Z',
    offer: 'spring',
    agreed: false,
  }
  assert.deepEqual(extract(contract, event), {
    id: '7',
    sequence: 3,
    time: 1_000_000,
    known: { clock: 'field', at: 2_000_000 },
    subject: 'a@b.de',
    campaign: 'spring',
    consent: false,
  })
  assert.equal(judge(contract, event).outcome, 'passed')
  for (const nothing of [undefined, null, 1, 'x', [], {}, { who: 1 }, { who: null }]) {
    assert.deepEqual(extract(contract, nothing), { known: { clock: 'recorded' } })
  }
  assert.deepEqual(
    judge(contract, {}).violations.map(({ rule, type }) => `${rule} ${type}`),
    [
      'id.required Required-Missing',
      'subject Required-Missing',
      'event_id Required-Missing',
      'event_time Required-Missing',
      'known_at Required-Missing',
    ],
  )
})

test('an unreadable identity quarantines whatever onViolation says', () => {
  const contract = contractOf(
    ['name: who, logicalType: string', 'name: id, logicalType: string', 'name: at, logicalType: timestamp'],
    'subject: who, eventId: id, eventTime: at, onViolation: pass',
  )
  const good = { who: 'a', id: 'b', at: '2018-07-01T00:00:00Z' }
  assert.equal(judge(contract, good).outcome, 'passed')
  const bad: [object, string][] = [
    [{ who: undefined }, 'subject Required-Missing: the subject is missing'],
    [{ who: null }, 'subject Required-Missing: the subject is missing'],
    [{ who: '' }, 'subject Datatype-Mismatch: the subject is empty'],
    [{ who: 'x'.repeat(513) }, 'subject Datatype-Mismatch: the subject is longer than 512 bytes'],
    [{ who: '€'.repeat(171) }, 'subject Datatype-Mismatch: the subject is longer than 512 bytes'],
    [{ who: 'a\nb' }, 'subject Datatype-Mismatch: the subject holds a control character'],
    [{ who: 'a\ud800' }, 'subject Datatype-Mismatch: the subject holds a lone surrogate, which no UTF-8 text can'],
    [{ who: 2 ** 53 }, 'subject Datatype-Mismatch: the subject is neither a string nor an integer that is exact'],
    [{ who: {} }, 'subject Datatype-Mismatch: the subject is neither a string nor an integer that is exact'],
    [{ id: '' }, 'event_id Datatype-Mismatch: the event id is empty'],
    [{ at: undefined }, 'event_time Required-Missing: the event time is missing'],
    [
      { at: '9999-12-31T00:00:00Z' },
      'event_time Datatype-Mismatch: the event time lies outside of the years 1684 to 2255: "9999-12-31T00:00:00Z"',
    ],
    [
      { at: '2018' },
      'event_time Datatype-Mismatch: the event time cannot be read from "2018": write it like 2026-03-20T10:00:00Z',
    ],
  ]
  for (const [change, expected] of bad) {
    const { outcome, violations } = judge(contract, { ...good, ...change })
    const last = violations.at(-1)
    assert.equal(`${last?.rule} ${last?.type}: ${last?.message}`, expected)
    assert.equal(outcome, 'quarantined')
  }
  assert.equal(extract(contract, { who: '€'.repeat(170) }).subject?.length, 170)
  const drops = contractOf(['name: who, logicalType: string'], 'subject: who, onViolation: drop')
  assert.equal(judge(drops, {}).outcome, 'dropped')
})

test('a time may be a number of units since an instant', () => {
  const hours = contractOf(
    ['name: time, logicalType: number'],
    'eventTime: { field: time, unit: hour, since: "2018-07-01T00:00:00Z" }, knownAt: eventTime',
  )
  const july = Date.UTC(2018, 6, 1) * 1000
  assert.deepEqual(extract(hours, { time: 1.5 }), {
    time: july + 5_400_000_000,
    known: { clock: 'eventTime', at: july + 5_400_000_000 },
  })
  assert.equal(extract(hours, { time: -1 }).time, july - 3_600_000_000)
  assert.match(broken(hours, { time: 1e300 }).join(), /event_time \/time: the event time lies outside/)
  const millis = contractOf(['name: ts, logicalType: integer'], 'eventTime: { field: ts, unit: millisecond }')
  assert.equal(extract(millis, { ts: 1_532_284_841_500 }).time, 1_532_284_841_500_000)
})

test('a reference that cannot stand on the record is flagged and left off', () => {
  const contract = contractOf(['name: c, logicalType: string'], 'campaign: c')
  assert.deepEqual(
    judge(contract, { c: 'x'.repeat(600) }).violations.map(({ rule, outcome }) => `${rule} ${outcome}`),
    ['campaign flag'],
  )
  assert.equal(extract(contract, { c: 'x'.repeat(600) }).campaign, undefined)
  assert.equal(judge(contract, {}).outcome, 'passed')
})

test('column values are typed for the column and null where there is none', () => {
  const contract = contractOf([
    'name: s, logicalType: string',
    'name: i, logicalType: integer',
    'name: n, logicalType: number',
    'name: d, logicalType: number, physicalType: "decimal(12,8)"',
    'name: b, logicalType: boolean',
    'name: t, logicalType: timestamp',
    'name: day, logicalType: date',
    'name: o, logicalType: object',
    'name: a, logicalType: array',
    'name: v, logicalType: object, properties: [{ name: x, logicalType: integer }]',
  ])
  const values = (value: unknown) => columnValues(contract, value)
  assert.deepEqual(
    values({
      s: 'x',
      i: 1,
      n: 0.5,
      d: 1.5e-7,
      b: true,
      t: '9999-12-31T23:59:59.5Z',
      day: '2018-07-22',
      o: { a: [1] },
      a: [{ b: null }],
      v: { x: 2 },
    }),
    ['x', 1n, 0.5, '0.00000015', true, 253_402_300_799_500_000n, '2018-07-22', '{"a":[1]}', '[{"b":null}]', 2n],
  )
  const nulls = Array(10).fill(null)
  assert.deepEqual(values({}), nulls)
  assert.deepEqual(
    values({ s: 1, i: 1.5, n: '1', d: 1e-9, b: 0, t: '2018', day: '2018-13-01', o: [], a: {}, v: 1 }),
    nulls,
  )
  assert.deepEqual(values({ s: '\ud800', i: 2 ** 53, d: 123456 }), nulls)
  for (const nothing of [undefined, null, 1, 'x', []]) assert.deepEqual(values(nothing), nulls)
})

test('never throws, whatever the event', () => {
  const contract = contractOf(
    [
      'name: a, logicalType: string, logicalTypeOptions: { minLength: 1, maxLength: 3, pattern: "^.$", enum: [x] }',
      'name: b, logicalType: number, physicalType: "decimal(5,2)", logicalTypeOptions: { multipleOf: 0.1, minimum: 0 }',
      'name: c, logicalType: array, logicalTypeOptions: { uniqueItems: true }, items: { logicalType: timestamp, logicalTypeOptions: { minimum: "2018-01-01T00:00:00Z" } }',
      'name: d, logicalType: object, properties: [{ name: e, logicalType: date }]',
    ],
    'subject: a, eventTime: { field: b, unit: day }, consent: a, campaign: a',
  )
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__', 'x')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, -1.5, 1e300, '', 'x', '\ud800', '2018-01-01', '2018-01-01T00:00:00Z'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    ),
  }))
  fc.assert(
    fc.property(value, (event) => {
      const { outcome, violations } = judge(contract, event)
      assert.equal(outcome === 'passed', violations.length === 0)
      const { subject } = extract(contract, event)
      assert.equal(
        subject === undefined,
        violations.some(({ rule }) => rule === 'subject' || rule === 'type'),
      )
      assert.equal(columnValues(contract, event).length, contract.columns.length)
    }),
    { numRuns: 3000 },
  )
})
