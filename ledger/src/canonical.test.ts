import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { canonicalBytes, canonicalize, parseCanonical } from './canonical.ts'
import type { Json } from './canonical.ts'
import { fromHex, toHex, toUtf8 } from './encoding.ts'

const notCanonical = { code: 'not-canonical' }

// RFC 8785, appendix B.
const numbers: [ieee754: string, text: string][] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
]

test('writes the numbers of RFC 8785, appendix B', () => {
  for (const [ieee754, text] of numbers) {
    const value = new DataView(fromHex(ieee754).buffer).getFloat64(0)
    assert.equal(canonicalize(value), text)
    // The second form does not go by JSON.stringify: its names are out of order.
    assert.equal(canonicalize({ b: value, a: [value] }), `{"a":[${text}],"b":${text}}`)
  }
})

test('writes the example of RFC 8785, section 3.2.2', () => {
  const source = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`
  const expected =
    '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d'
  assert.equal(toHex(canonicalBytes(JSON.parse(source) as Json)), expected)
})

test('sorts names by UTF-16 code units, as in RFC 8785, section 3.2.3', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  }
  const names = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']
  assert.equal(
    canonicalize(value),
    `{${names.map((name) => `${JSON.stringify(name)}:"${value[name as keyof typeof value]}"`).join(',')}}`,
  )
})

test('sorts names that JavaScript would put first as numbers', () => {
  assert.equal(canonicalize({ '10': 1, '9': 2, a: 3 }), '{"10":1,"9":2,"a":3}')
})

test('writes equal values equally, whatever the order of their names, and reads them back', () => {
  const json = fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<Json>
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalize(value)
      assert.equal(canonicalize(reversed(value)), text)
      assert.equal(canonicalize(JSON.parse(text) as Json), text)
      assert.deepEqual(parseCanonical(toUtf8(text)), JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 500 },
  )
})

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  // Without a prototype, as a parser of another library may give it; __proto__ stays an ordinary name.
  const copy: Record<string, Json> = Object.create(null)
  for (const [name, member] of Object.entries(value).reverse()) copy[name] = reversed(member)
  return copy
}

const cycle: Record<string, unknown> = {}
cycle['again'] = cycle

const refused: [what: string, value: unknown][] = [
  ['undefined', undefined],
  ['a member that is undefined', { a: undefined }],
  ['a hole in an array', [1, , 2]], // oxlint-disable-line no-sparse-arrays
  ['NaN', Number.NaN],
  ['Infinity', { a: [Number.POSITIVE_INFINITY] }],
  ['a bigint', 1n],
  ['a function', () => 1],
  ['a symbol', Symbol('a')],
  ['a lone surrogate', 'a\ud800'],
  ['a lone surrogate in a name', { '\udc00': 1 }],
  ['a Date', { at: new Date(0) }],
  ['a Map', new Map()],
  ['bytes', Uint8Array.of(1)],
  ['an object with toJSON', { toJSON: () => 1 }],
  ['a cycle', cycle],
]
for (const [what, value] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(() => canonicalize(value as Json), notCanonical)
    assert.throws(() => canonicalize({ z: 1, a: value } as Json), notCanonical)
  })
}

test('says where a refused value stands', () => {
  assert.throws(() => canonicalize({ payload: { rows: [1, Number.NaN] } }), /at \/payload\/rows\/1/)
})

const notInForm = [
  '{"n": 0}',
  '{"b":0,"a":0}',
  '{"a":0,"a":0}',
  '1.0',
  '-0',
  '1e2',
  '"\\u0041"',
  '"\\/"',
  '[1,]',
  '',
  '\ufeff1',
]
for (const text of [...notInForm, '9007199254740993', '"\\ud800"']) {
  test(`does not read ${text} as canonical`, () => assert.throws(() => parseCanonical(toUtf8(text)), notCanonical))
}

test('does not read bytes that are not UTF-8', () => {
  assert.throws(() => parseCanonical(Uint8Array.of(0x22, 0xff, 0x22)), { code: 'bad-encoding' })
})
