import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitArray } from './array.ts'

const split = (text: string) => {
  const result = splitArray(Buffer.from(text))
  return 'items' in result ? result.items.map((item) => Buffer.from(item).toString()) : result.problem.message
}

test('the slices of any array parse to its elements', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, '\t', '\r\n '), (values, space) => {
      const text = JSON.stringify(values, null, space)
      const items = split(text)
      assert.ok(Array.isArray(items))
      assert.deepEqual(
        items.map((item) => JSON.parse(item)),
        JSON.parse(text),
      )
      for (const item of items) assert.equal(item, item.trim())
    }),
    { numRuns: 500 },
  )
})

test('an element keeps the bytes it came in', () => {
  assert.deepEqual(split(' [ {"a" : 1.0, "a":"\\u0041]"} ,"x,\\"]" ,\n1e2 ] '), [
    '{"a" : 1.0, "a":"\\u0041]"}',
    '"x,\\"]"',
    '1e2',
  ])
  assert.deepEqual(split('[]'), [])
  assert.deepEqual(split(' [ \n ] '), [])
})

test('an element that is broken inside stands alone', () => {
  assert.deepEqual(split('[{"a":[}], {"b":1}, tru, "\\q"]'), ['{"a":[}]', '{"b":1}', 'tru', '"\\q"'])
})

test('a broken array is one problem that says where', () => {
  const problems = {
    '': 'an array begins with "[" (at byte 1)',
    '{"a":1}': 'an array begins with "[" (at byte 1)',
    '\ufeff[]': 'an array begins with "[" (at byte 1)',
    '[': 'it ends too early (at byte 2)',
    '[1': 'it ends too early (at byte 3)',
    '[1,': 'it ends too early (at byte 4)',
    '[1,]': 'an element is missing (at byte 4)',
    '[,1]': 'an element is missing (at byte 2)',
    '[1,,2]': 'an element is missing (at byte 4)',
    '[1]]': 'more follows after the end of the array (at byte 4)',
    '[1] x': 'more follows after the end of the array (at byte 5)',
    '[1}': 'a "}" closes nothing (at byte 3)',
    '["a]': 'a string does not end (at byte 5)',
    '["a\\"]': 'a string does not end (at byte 7)',
    '[[1]': 'it ends too early (at byte 5)',
  }
  for (const [text, message] of Object.entries(problems)) assert.equal(split(text), `no JSON array: ${message}`, text)
})

test('nesting and size cost neither stack nor more than linear time', () => {
  const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000)
  assert.equal((split(`[${deep},1]`) as string[]).length, 2)
  assert.equal((split(`[${'1,'.repeat(1_000_000)}1]`) as string[]).length, 1_000_001)
  assert.equal((split(`["${'\\\\'.repeat(5_000_000)}"]`) as string[]).length, 1)
})
