import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { saysTheSame } from './sameness.ts'

const same = (one: string, other: string): boolean => saysTheSame(Buffer.from(one), Buffer.from(other))

test('white space and the order of names do not matter', () => {
  assert.equal(same('{"a":1,"b":[1,2]}', '{ "b": [1, 2], "a": 1 }'), true)
})

test('values, digits beyond a double, repeated keys and what is no JSON do', () => {
  assert.equal(same('{"a":1}', '{"a":2}'), false)
  assert.equal(same('{"a":9007199254740993}', '{"a":9007199254740992}'), false)
  assert.equal(same('{"a":12345678901234567}', '{"a":12345678901234576}'), false)
  assert.equal(same('{"a":1,"a":2}', '{"a":2}'), false)
  assert.equal(same('{"a":[1,2]}', '{"a":[2,1]}'), false)
  assert.equal(same('{"a":', '{"a":'), false)
})
