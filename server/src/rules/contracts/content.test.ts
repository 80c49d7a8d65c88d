import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deepest, readContent } from './content.ts'
import { inspect } from './inspect.ts'

const read = (text: string) => readContent(Buffer.from(text))
const rules = (text: string) => read(text).problems.map(({ rule, path }) => `${rule} ${path}`.trim())

test('reads every document that JSON.stringify writes, without a problem', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value, (_, member: unknown) =>
        typeof member === 'string' ? member.toWellFormed() : member,
      )
      fc.pre(!hasLoneKey(value))
      assert.deepEqual(read(text), { value: JSON.parse(text), problems: [] })
    }),
    { numRuns: 500 },
  )
})

test('finds a repeated key wherever it is planted, however it is escaped', () => {
  const key = fc.string({ unit: 'grapheme', maxLength: 5 })
  const escaped = (text: string) =>
    [...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
  fc.assert(
    fc.property(fc.array(key, { maxLength: 4 }), key, fc.boolean(), fc.jsonValue(), (around, repeated, hide, value) => {
      const other = hide ? `"${escaped(repeated)}"` : JSON.stringify(repeated)
      let text = `{${JSON.stringify(repeated)}:${JSON.stringify(value)},"-":0,${other}:1}`
      for (const name of around) text = `[{${JSON.stringify(name)}:${text}}]`
      fc.pre(repeated !== '-' && !hasLoneKey(value) && text.isWellFormed() && !text.includes('\\ud'))
      const path = around
        .toReversed()
        .map((name) => `/0/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
        .join('')
      const own = `/${repeated.replaceAll('~', '~0').replaceAll('/', '~1')}`
      assert.deepEqual(
        read(text).problems.map((problem) => problem.rule),
        ['json.key'],
      )
      assert.equal(read(text).problems[0]?.path, path + own)
    }),
    { numRuns: 500 },
  )
})

test('the exact look agrees with JSON.parse on what is JSON', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '"\\u00e9"',
    '"\\x"',
    '\\',
    '1',
    '-',
    '0',
    '.5',
    'e1',
    '01',
    'true',
    'null',
    'nul',
    ' ',
    '\n',
    '\u0001',
    '\u00a0',
    '\ufeff',
    'é',
  ]
  const valid = (text: string) => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const agrees = (text: string) =>
    assert.equal(!inspect(text).some(({ rule }) => rule === 'json.syntax'), valid(text), text)
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (parts) => agrees(parts.join(''))),
    {
      numRuns: 5000,
    },
  )
  const mutated = fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...pieces, ''), fc.nat(2))
  fc.assert(
    fc.property(mutated, ([text, at, piece, cut]) => {
      const place = at % (text.length + 1)
      agrees(text.slice(0, place) + piece + text.slice(place + cut))
    }),
    { numRuns: 2000 },
  )
})

test('names numbers that would change', () => {
  const numbers = '[1, 9007199254740993, 0.1, {"a/b": 1e400}, 0.1000000000000000055, 1.50, -0, 1e2]'
  assert.deepEqual(rules(numbers), ['json.number /1', 'json.number /3/a~1b', 'json.number /4'])
  assert.deepEqual(rules('{"n":0.8312345678901234,"t":1532284841500000}'), [])
  assert.deepEqual(rules('{"n":"9007199254740993","9007199254740993":1}'), [])
})

test('names half characters, escaped or not, in values and keys', () => {
  assert.deepEqual(rules('{"a":"\\ud83d\\ude00"}'), [])
  assert.deepEqual(rules('{"a":"\\uD83D"}'), ['json.utf8 /a'])
  assert.deepEqual(rules('{"a":"\\\\ud83d"}'), [])
  assert.equal(read('{"\\ude00":1}').problems[0]?.rule, 'json.utf8')
  const bytes = Buffer.from('{"name":"Zoë"}', 'latin1')
  const { value, problems } = readContent(bytes)
  assert.equal(value, undefined)
  assert.equal(problems[0]?.rule, 'json.utf8')
  assert.match(problems[0]?.message ?? '', /at byte 13$/)
})

test('says where broken JSON breaks, without quoting it', () => {
  const places = {
    '': 'it ends too early (at character 1)',
    '{"secret": tru}': 'a value is missing (at character 12)',
    '{"secret": "x}': 'a string does not end (at character 15)',
    '{"a":1,}': 'a key in double quotes is missing (at character 8)',
    "{'secret':1}": 'a key in double quotes is missing (at character 2)',
    '{"secret" 1}': 'a ":" is missing after a key (at character 11)',
    '[1 2]': 'a "," or "]" is missing (at character 4)',
    '{"a":1} {"b":2}': 'more follows after the end of the document (at character 9)',
    '{\n "a": 01}': 'a "," or "}" is missing (at line 2, character 8)',
    '"a\tb"': 'a control character in a string must be escaped (at character 3)',
    '"\\q"': 'no such escape in a string (at character 3)',
    '"\\u12g4"': '\\u takes four hexadecimal digits (at character 3)',
    '\ufeff{}': 'a byte-order mark is no JSON (at character 1)',
    '{"person": "78afa995", "event": "offer rece': 'a string does not end (at character 44)',
  }
  for (const [text, message] of Object.entries(places)) {
    const { value, problems } = read(text)
    assert.equal(value, undefined)
    assert.deepEqual(
      problems.map((problem) => [problem.rule, problem.message]),
      [['json.syntax', `no JSON: ${message}`]],
    )
    assert.ok(!problems[0]?.message.includes('secret'))
  }
})

test('nesting has a limit and never costs the stack', () => {
  assert.deepEqual(rules('['.repeat(deepest) + ']'.repeat(deepest)), [])
  for (const depth of [deepest + 1, 100_000, 1_000_000]) {
    assert.deepEqual(rules('['.repeat(depth) + ']'.repeat(depth)), ['json.depth'])
    assert.deepEqual(rules('{"a":'.repeat(depth)), ['json.depth'])
  }
  assert.deepEqual(rules('"' + '['.repeat(100_000) + '"'), [])
})

test('long strings, many keys and huge numbers take linear time', () => {
  assert.deepEqual(rules(JSON.stringify({ a: 'x'.repeat(10_000_000) })), [])
  assert.deepEqual(rules(JSON.stringify({ a: '\\"'.repeat(2_000_000) })), [])
  assert.deepEqual(rules(`{"a":1${'0'.repeat(3_000_000)}}`), ['json.number /a'])
  const keys = Array.from({ length: 100_000 }, (_, n) => `"k${n}":${n}`)
  assert.deepEqual(rules(`{${keys.join()}}`), [])
  assert.deepEqual(rules(`{${keys.join()},"k77":1}`), ['json.key /k77'])
})

test('a document with more than twenty faults is given up', () => {
  const { problems } = read(`[${Array(100).fill('1e999').join()}]`)
  assert.deepEqual(
    problems.map(({ rule }) => rule),
    [...Array<string>(20).fill('json.number'), 'json.faults'],
  )
})

test('a key called __proto__ is a key like any other', () => {
  const { value, problems } = read('{"__proto__":{"admin":true},"constructor":1}')
  assert.deepEqual(problems, [])
  assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor'])
  assert.equal((value as { admin?: boolean }).admin, undefined)
  assert.deepEqual(rules('{"__proto__":1,"__proto__":2}'), ['json.key /__proto__'])
})

test('never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void readContent(bytes)),
    { numRuns: 2000 },
  )
  const structural = fc.array(fc.constantFrom(...Buffer.from('{}[]:,"\\u0eE+-.1 ')), { maxLength: 30 })
  fc.assert(
    fc.property(structural, (bytes) => void readContent(Uint8Array.from(bytes))),
    { numRuns: 5000 },
  )
})

function hasLoneKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => !key.isWellFormed() || hasLoneKey(member))
}
