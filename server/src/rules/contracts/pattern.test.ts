import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePattern } from './pattern.ts'

const atom = fc.constantFrom(
  'a',
  'b',
  '.',
  '\\d',
  '\\w',
  '\\s',
  '[ab]',
  '[^a]',
  '[a-c]',
  '\\.',
  'é',
  '\\p{L}',
  '\\P{Lu}',
  '\\x61',
  '\\u0062',
  '\\u{e9}',
  '-',
  '\\/',
  '[\\]x]',
  '[\\d-]',
)
const quantifier = fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}', '{0}', '*?', '{0,1}?')
const { pattern } = fc.letrec<{ pattern: string; sequence: string; term: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 3 },
    tie('sequence'),
    fc.tuple(tie('sequence'), tie('pattern')).map((parts) => parts.join('|')),
  ),
  sequence: fc.array(tie('term'), { maxLength: 4 }).map((terms) => terms.join('')),
  term: fc.oneof(
    { maxDepth: 3 },
    atom,
    fc.tuple(atom, quantifier).map((parts) => parts.join('')),
    fc.constantFrom('^', '$'),
    fc
      .tuple(fc.constantFrom('(', '(?:'), tie('pattern'), fc.constant(')'), fc.option(quantifier, { nil: '' }))
      .map((parts) => parts.join('')),
  ),
}))
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', 'A', '1', ' ', '.', 'é', '\n', 'x', ']', '-'),
  maxLength: 10,
})

test('matches what V8 matches', () => {
  fc.assert(
    fc.property(pattern, fc.array(text), (source, texts) => {
      const own = compilePattern(source)
      const native = new RegExp(source, 'u')
      for (const one of ['', ...texts])
        assert.equal(own.matches(one), native.test(one), `/${source}/ ${JSON.stringify(one)}`)
    }),
    { numRuns: 3000 },
  )
})

test('characters beyond the basic plane are one character', () => {
  for (const source of [
    '^.$',
    '[^a]$',
    '^😀$',
    '^\\u{1F600}$',
    '^\\ud83d\\ude00$',
    '^[😀-😂]$',
    '^\\p{Emoji}$',
    '^.{1}$',
  ]) {
    assert.equal(compilePattern(source).matches('😀'), true, source)
  }
  assert.equal(compilePattern('^..$').matches('😀'), false)
  assert.equal(compilePattern('^.$').matches('\ud83d'), true)
})

test('patterns as they occur', () => {
  const slug = compilePattern('^[a-z0-9]+(?:-[a-z0-9]+)*$')
  assert.deepEqual(['spring-sale', 'a', '-a', 'a--b', 'A', ''].map(slug.matches), [
    true,
    true,
    false,
    false,
    false,
    false,
  ])
  const mail = compilePattern('^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$')
  assert.deepEqual(['a@b.de', 'a.b@c.d.e', 'a@b', 'a@@b.de', 'a b@c.de'].map(mail.matches), [
    true,
    true,
    false,
    false,
    false,
  ])
  const named = compilePattern('^(?<year>\\d{4})-W(?<week>\\d\\d?)$')
  assert.deepEqual(['2026-W1', '2026-W12', '26-W1'].map(named.matches), [true, true, false])
})

test('no text makes a pattern slow', () => {
  let seed = 1
  const random = Array.from({ length: 8000 }, () => ((seed = (seed * 48_271) % 2_147_483_647) & 1 ? 'a' : 'b')).join('')
  const evil: [string, string][] = [
    ['^(a+)+$', 'a'],
    ['^(\\w+\\s?)*$', 'word '],
    ['(x+x+)+y', 'x'],
    ['^(a|a)*$', 'a'],
    ['(.*)*,(.*)*,', 'a'],
    ['(a|b)*a(a|b){12}c', 'ab'],
    ['(?:a?){450}b', 'a'],
    ['[^c]*[ab](?:a|b){300}c', 'aab'],
    ['\\s+$', ' '],
    ['(a|b)*a[ab]{900}c', random],
  ]
  for (const [source, unit] of evil) {
    const { matches, longest } = compilePattern(source)
    const hostile = unit.repeat(Math.floor((longest - 1) / unit.length))
    const start = performance.now()
    assert.equal(matches(`${hostile}!`), false, source)
    assert.ok(performance.now() - start < 10_000, `${source} took ${performance.now() - start} ms`)
  }
})

test('longer text than is tested does not match', () => {
  const { matches, longest } = compilePattern('a')
  assert.equal(longest, 65_536)
  assert.equal(matches('a'.repeat(longest)), true)
  assert.equal(matches('a'.repeat(longest + 1)), false)
  assert.ok(compilePattern('(?:ab){400}').longest < 10_000)
})

test('more states and characters than are remembered change nothing', () => {
  const { matches } = compilePattern('^(?:\\p{L}|\\d)*a.{11}$')
  for (let n = 0; n < 4096; n++) {
    const bits = n.toString(2).padStart(12, '0').replaceAll('0', 'b').replaceAll('1', 'a')
    assert.equal(matches(bits), bits.startsWith('a'))
  }
  const letters = Array.from({ length: 20_000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')
  assert.equal(matches(`${letters}a${letters.slice(0, 11)}`), true)
})

test('what cannot be matched in linear time is refused', () => {
  const refused = {
    '(a)\\1': /refers back/,
    '(?<n>a)\\k<n>': /refers back/,
    'a(?=b)': /looks around/,
    '(?!a)b': /looks around/,
    '(?<=a)b': /looks around/,
    '(?<!a)b': /looks around/,
    '(?i:a)': /sets flags/,
    '\\bword': /word boundary/,
    'a{5000}': /more than 1000 times/,
    '(?:a{100}){100}': /more than 1000 steps/,
    'a{': /is no pattern/,
    '[z-a]': /is no pattern/,
    '(': /is no pattern/,
    '\\y': /is no pattern/,
  }
  for (const [source, message] of Object.entries(refused)) assert.throws(() => compilePattern(source), message, source)
})
