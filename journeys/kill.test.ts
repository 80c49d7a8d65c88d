// The short form of `node journeys/kill.ts`, which runs with 200 kills before a change lands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killAgainAndAgain } from './kill.ts'

test('nothing acknowledged is lost when the process is killed, again and again', async () => {
  const { acknowledged, lost } = await killAgainAndAgain(8, 3)
  assert.deepEqual(lost, [])
  assert.ok(acknowledged > 0, 'something was acknowledged')
})
