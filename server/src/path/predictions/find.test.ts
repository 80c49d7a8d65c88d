// Finding in many batches: page by page everything is found once, newest first, however few batches one answer looks at.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { FindQuery, Found } from '@whence/sdk'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { openTestDatabase } from '../../store/testing.ts'
import type { TestDatabase } from '../../store/testing.ts'
import type { Batch } from './batches/batch-book.ts'
import type { StoredRow } from './batches/row.ts'
import { findPredictions } from './find.ts'
import type { FindParts } from './find.ts'

const BATCHES = 40
/** Batches stand at 10, 20, …; each third has rows of the campaign asked for, as many as its place says. */
const rowsOf = (seq: number): number[] => Array.from({ length: (seq / 10) % 3 === 0 ? 1 + (seq % 7) : 0 }, (_, i) => i)

suite('find, over batches', () => {
  let database: TestDatabase
  before(async () => {
    database = await openTestDatabase()
  })
  after(() => database.drop())

  let looked: number[]
  const parts = (most: number): FindParts => ({
    ledger: {} as Ledger,
    database,
    asOf: 1000,
    most,
    batches: {
      book: {
        list: async (wanted) =>
          Array.from({ length: BATCHES }, (_, i) => ({ seq: 10 * (BATCHES - i), model: 'm@1' }) as Batch)
            .filter(({ seq }) => seq <= (wanted?.upTo ?? Infinity))
            .slice(0, wanted?.limit),
      },
      newest: async (batches, conditions, limit) => {
        looked.push(...batches.map(({ seq }) => seq))
        assert.ok(conditions.includes("campaign = 'c'"))
        const cut = conditions.flatMap((each) => /^leaf < (\d+)$/.exec(each)?.[1] ?? [])[0]
        return batches
          .flatMap((batch) =>
            rowsOf(batch.seq)
              .filter((leaf) => cut === undefined || leaf < Number(cut))
              .toReversed()
              .map((leaf) => ({ batch, stored: { leaf } as StoredRow })),
          )
          .slice(0, limit)
      },
      opened: ({ seq }, { leaf }) => ({ state: 'erased', at: { seq, row: leaf }, time: '2026-03-01' }),
    },
  })
  const wanted = Array.from({ length: BATCHES }, (_, i) => 10 * (BATCHES - i)).flatMap((seq) =>
    rowsOf(seq)
      .toReversed()
      .map((row) => `${seq}/${row}`),
  )

  for (const [most, limit] of [
    [2000, 1000],
    [2000, 3],
    [5, 1000],
    [1, 2],
    [7, 4],
  ] as const)
    test(`${limit} a page, ${most} batches an answer`, async () => {
      const found: string[] = []
      let page: Found | undefined
      do {
        looked = []
        const place = { before: page?.next, beforeRow: page?.nextRow } as FindQuery
        page = await findPredictions(parts(most), { campaign: 'c', limit, ...place })
        found.push(...page.predictions.map(({ seq, row }) => `${seq}/${row}`))
        assert.ok(page.predictions.length <= limit)
        assert.ok(looked.length <= most, `${looked.length} batches were looked through`)
        assert.equal(new Set(looked).size, looked.length, 'each once')
        assert.equal(page.truncated, page.next !== undefined)
      } while (page.next !== undefined)
      assert.deepEqual(found, wanted)
    })

  test('predictions with records of their own come in their place among those of batches', async () => {
    await database.query(
      `insert into prediction (seq, subject, model, snapshot, campaign, at, tier)
       select n, null, 'm@1', null, 'c', null, null from generate_series(5, 405, 50) n`,
    )
    const open = () => ({ state: 'erased', entry: { time: '2026-03-01' } })
    const ledger = { open } as unknown as Ledger
    const found: string[] = []
    let before: number | undefined
    let beforeRow: number | undefined
    for (;;) {
      looked = []
      const query = { campaign: 'c', limit: 5, before, beforeRow } as FindQuery
      const page = await findPredictions({ ...parts(3), ledger }, query)
      found.push(...page.predictions.map(({ seq, row }) => `${seq}/${row ?? ''}`))
      if (!page.truncated) break
      ;({ next: before, nextRow: beforeRow } = page)
    }
    const all = [...wanted, ...Array.from({ length: 9 }, (_, i) => `${5 + 50 * i}/`)]
    const place = (one: string): number => Number(one.split('/')[0]) + Number(one.split('/')[1] || 0) / 1000
    assert.deepEqual(
      found,
      all.toSorted((a, b) => place(b) - place(a)),
    )
  })
})
