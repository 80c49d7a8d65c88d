// The follower over a log of entries that lies in memory.
import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { Fault } from '../../fault.ts'
import type { Database } from '../../store/database.ts'
import { openTestDatabase } from '../../store/testing.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { Follower } from './follower.ts'
import type { Projection } from './follower.ts'

const MEGABYTE = 1024 * 1024

function log(payloads: number[]): Ledger {
  const part = {
    get size() {
      return payloads.length
    },
    entry: (seq: number) => ({ kind: 'thing/1', refs: {}, payload: { bytes: payloads[seq] } }),
    lastOf: () => payloads.length - 1,
    onCommit: () => () => {},
  }
  return part as unknown as Ledger
}

interface Seen {
  read: number[][]
  applied: number[][]
}

function projection(seen: Seen, refuse: (seqs: readonly number[]) => boolean = () => false): Projection<number[]> {
  return {
    tables: [],
    kinds: ['thing'],
    async read(records) {
      const seqs = records.map(({ seq }) => seq)
      seen.read.push(seqs)
      if (refuse(seqs)) throw new Fault('unavailable', 'the reader does not answer')
      return seqs
    },
    async apply(_, records, read) {
      assert.deepEqual(
        read,
        records.map(({ seq }) => seq),
      )
      seen.applied.push(read)
    },
  }
}

suite('the follower', () => {
  let database: Database & { drop(): Promise<void> }
  before(async () => {
    database = await openTestDatabase()
  })
  after(() => database.drop())
  beforeEach(() => database.query('delete from follower'))

  test('takes no more payload at once than it may, and every record once, in order', async () => {
    const payloads = Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? 5 * MEGABYTE : 1000))
    const seen: Seen = { read: [], applied: [] }
    const follower = new Follower(log(payloads), database, [projection(seen)])
    await follower.start()
    await follower.reach()
    await follower.stop()
    assert.deepEqual(
      seen.applied.flat(),
      payloads.map((_, n) => n),
    )
    assert.deepEqual(seen.read, seen.applied)
    const sizes = seen.applied.map((seqs) => seqs.reduce((sum, seq) => sum + payloads[seq]!, 0))
    assert.ok(Math.max(...sizes) < 30 * MEGABYTE, String(sizes))
    assert.ok(sizes.length < 10, 'and not one by one')
  })

  test('stops before a batch whose reading fails, and goes on from there when it is started anew', async () => {
    const payloads = Array.from({ length: 20 }, () => 6 * MEGABYTE)
    const seen: Seen = { read: [], applied: [] }
    const broken = new Follower(log(payloads), database, [projection(seen, (seqs) => seqs.includes(9))])
    await broken.start()
    await assert.rejects(broken.reach(), {
      code: 'unavailable',
      message: /beyond record 8: the reader does not answer/,
    })
    await broken.stop()
    assert.deepEqual(seen.applied, [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ])
    const mended = new Follower(log(payloads), database, [projection(seen)])
    await mended.start()
    await mended.reach()
    await mended.stop()
    assert.deepEqual(
      seen.applied.flat(),
      payloads.map((_, n) => n),
    )
  })
})
