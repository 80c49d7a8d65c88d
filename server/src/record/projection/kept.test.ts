import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kept } from './kept.ts'

/** A follower of which the test says what is formed and what is applied. */
function following(): {
  formed: number
  next: number
  reached: number
  follower: ConstructorParameters<typeof Kept>[0]
} {
  const state = {
    formed: -1,
    next: 0,
    reached: 0,
    follower: {
      get next() {
        return state.next
      },
      formed: () => state.formed,
      reach: async () => {
        state.reached++
      },
    },
  }
  return state
}

test('reads once while nothing is added, and again after a record of its kinds', async () => {
  const state = following()
  const kept = new Kept<number>(state.follower, ['model'])
  let reads = 0
  const ask = () => kept.of('a', async () => ++reads)
  assert.deepEqual([await ask(), await ask(), ...(await Promise.all([ask(), ask()]))], [1, 1, 1, 1])
  assert.equal(state.reached, 4, 'each answer waits for what is durable')
  Object.assign(state, { formed: 7, next: 8 })
  assert.deepEqual([await ask(), await ask()], [2, 2])
})

test('keeps nothing that was read while a record was on its way', async () => {
  const state = following()
  const kept = new Kept<string>(state.follower, ['model'])
  Object.assign(state, { formed: 7, next: 7 })
  assert.equal(await kept.of('a', async () => 'before'), 'before')
  Object.assign(state, { next: 8 })
  assert.equal(await kept.of('a', async () => 'after'), 'after')
})

test('an answer that is still being read when a record comes is not given for the time after it', async () => {
  const state = following()
  const kept = new Kept<string>(state.follower, ['model'])
  const slow = Promise.withResolvers<string>()
  const first = kept.of('a', () => slow.promise)
  await Promise.resolve()
  Object.assign(state, { formed: 0, next: 1 })
  assert.equal(await kept.of('a', async () => 'after'), 'after')
  slow.resolve('before')
  assert.equal(await first, 'before')
  assert.equal(await kept.of('a', async () => 'unread'), 'after')
})

test('what fails is asked again, and no more than so many answers are held', async () => {
  const state = following()
  const kept = new Kept<string>(state.follower, ['model'], 2)
  await assert.rejects(kept.of('a', () => Promise.reject(new Error('away'))))
  assert.equal(await kept.of('a', async () => 'there'), 'there')
  for (const key of ['b', 'c']) await kept.of(key, async () => key)
  assert.equal(await kept.of('a', async () => 'read again'), 'read again')
  assert.equal(await kept.of('c', async () => 'unread'), 'c')
})
