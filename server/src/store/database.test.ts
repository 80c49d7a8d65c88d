// The promises of `Database`, on whichever engine the suite runs.
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { after, before, beforeEach, suite, test } from 'node:test'
import { Fault, isFault } from '../fault.ts'
import { SqlError } from './database.ts'
import { openTestDatabase, type TestDatabase } from './testing.ts'

const code = (expected: string) => (error: unknown) =>
  (error instanceof SqlError || isFault(error)) && error.code === expected

suite('a database', () => {
  let db: TestDatabase
  before(async () => {
    db = await openTestDatabase()
    await db.query('create table item (name text collate "C" primary key, n int8)')
  })
  beforeEach(() => db.query('truncate item'))
  after(() => db.drop())

  const names = async () => (await db.query<{ name: string }>('select name from item order by name')).map((r) => r.name)

  test('gives each type back as promised', async () => {
    const [row] = await db.query(
      `select $1::int8 as int8, $2::int4 as int4, $3::float8 as float8, $4::bool as bool, $5::bytea as bytea,
              $6::text::jsonb as jsonb, $7::text[] as texts, $8::int8[] as int8s, $9::bytea[] as byteas,
              $10::text as nothing, count(*) as count, '2026-01-02T03:04:05Z'::timestamptz::date as date,
              1.50::numeric as numeric`,
      [
        2n ** 63n - 1n,
        -5,
        0.1,
        true,
        new Uint8Array([0, 255]),
        JSON.stringify({ a: [1, null] }),
        ['a"b\\c', '', null, 'NULL', '{,}'],
        [1n, null, -2n],
        [new Uint8Array([7])],
        undefined,
      ],
    )
    assert.deepEqual(row, {
      int8: 2n ** 63n - 1n,
      int4: -5,
      float8: 0.1,
      bool: true,
      bytea: new Uint8Array([0, 255]),
      jsonb: { a: [1, null] },
      texts: ['a"b\\c', '', null, 'NULL', '{,}'],
      int8s: [1n, null, -2n],
      byteas: [new Uint8Array([7])],
      nothing: null,
      count: 1n,
      date: '2026-01-02',
      numeric: '1.50',
    })
    assert.equal(row.bytea.constructor, Uint8Array)
  })

  test('binds a view of a larger buffer as that view', async () => {
    const [row] = await db.query('select $1::bytea as b', [new Uint8Array([1, 2, 3, 4]).subarray(1, 3)])
    assert.deepEqual(row!.b, new Uint8Array([2, 3]))
  })

  test('refuses to bind an object, whose text would be no JSON', async () => {
    await assert.rejects(db.query('select $1::text', [{ a: 1 }]), TypeError)
  })

  test('keeps the SQLSTATE of a refused statement, and its constraint, but no stored value', async () => {
    await db.query(`insert into item values ('secret', 1)`)
    const error = await db.query(`insert into item values ('secret', 2)`).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof SqlError)
    assert.deepEqual([error.code, error.constraint, error.table], ['23505', 'item_pkey', 'item'])
    assert.doesNotMatch(JSON.stringify(error) + error.message + String(error.stack), /secret/)
    await assert.rejects(db.query('select 1 +'), code('42601'))
    assert.deepEqual(await names(), ['secret'])
  })

  test('commits what a transaction did, and returns its result', async () => {
    const result = await db.transaction(async (tx) => {
      await tx.query(`insert into item values ('a', 1)`)
      await tx.copy('item', [{ name: 'name', type: 'text' }], [['b'], ['c']])
      return (await tx.query('select 1 from item')).length
    })
    assert.equal(result, 3)
    assert.deepEqual(await names(), ['a', 'b', 'c'])
  })

  test('rolls back when the transaction throws, and rethrows', async () => {
    const reason = new Error('changed my mind')
    const changed = db.transaction(async (tx) => {
      await tx.query(`insert into item values ('a', 1)`)
      await tx.copy('item', [{ name: 'name', type: 'text' }], [['b']])
      throw reason
    })
    await assert.rejects(changed, (error) => error === reason)
    assert.deepEqual(await names(), [])
  })

  test('a refused copy has its SQLSTATE, and the database goes on', async () => {
    const columns = [{ name: 'name', type: 'text' }] as const
    const twice = (tx: { copy: TestTransaction['copy'] }) => tx.copy('item', columns, [['a'], ['a']])
    await assert.rejects(db.transaction(twice), code('23505'))
    await assert.rejects(
      db.transaction((tx) => tx.copy('missing', columns, [['a']])),
      code('42P01'),
    )
    await assert.rejects(
      db.transaction((tx) => tx.copy('item', [{ name: 'n', type: 'int4' }], [[1]])),
      SqlError,
    )
    assert.deepEqual(await names(), [])
  })

  test('does not pass off a rolled back transaction as committed when its failure was swallowed', async () => {
    const swallowed = db.transaction(async (tx) => {
      await tx.query(`insert into item values ('a', 1)`)
      await tx.query('select 1/0').catch(() => {})
    })
    await assert.rejects(swallowed, code('25P02'))
    assert.deepEqual(await names(), [])
  })

  test('runs the statements of a transaction in the order of the calls, and all of them before the commit', async () => {
    await db.transaction(async (tx) => {
      void tx.copy('item', [{ name: 'name', type: 'text' }], [['a']])
      void tx.query(`update item set name = 'b'`)
      void tx.copy('item', [{ name: 'name', type: 'text' }], [['a']])
    })
    assert.deepEqual(await names(), ['a', 'b'])
  })

  test('no other query gets into an open transaction', async () => {
    const seen: string[] = []
    const transaction = db.transaction(async (tx) => {
      await tx.query(`insert into item values ('a', 1)`)
      await wait(20)
      await tx.query(`insert into item values ('b', 1)`)
      seen.push('transaction')
    })
    const others = Array.from({ length: 5 }, async () => {
      const found = await names()
      assert.ok(found.length === 0 || found.length === 2, `saw ${found.join()}`)
      seen.push('query')
    })
    await Promise.all([transaction, ...others])
    assert.equal(seen.length, 6)
  })

  test('transactions at the same time each see their own work only', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        db
          .transaction(async (tx) => {
            await tx.query('insert into item values ($1, $2)', [`t${index}`, index])
            if (index % 2) throw new Error('odd')
          })
          .catch(() => {}),
      ),
    )
    assert.deepEqual(await names(), ['t0', 't2', 't4', 't6'])
  })

  test('refuses its own use inside a transaction, which would wait for itself, but not after it', async () => {
    await assert.rejects(
      db.transaction(() => db.query('select 1')),
      code('internal'),
    )
    let later: Promise<unknown> | undefined
    await db.transaction(async () => {
      later = wait(20).then(() => db.query('select 1'))
    })
    await later
  })

  test('refuses a transaction object that has ended', async () => {
    let kept: TestTransaction | undefined
    await db.transaction(async (tx) => {
      kept = tx
    })
    await assert.rejects(kept!.query('select 1'), code('internal'))
  })

  test('survives a fault that the caller throws, whatever its code', async () => {
    await assert.rejects(
      db.transaction(async () => {
        throw new Fault('unavailable', 'The key store does not answer.')
      }),
      code('unavailable'),
    )
    await db.query('select 1')
  })

  test('passes megabytes in and out', async () => {
    const text = 'ä'.repeat(3_000_000)
    const [row] = await db.query('select $1::text as text', [text])
    assert.equal(row!.text, text)
  })
})

type TestTransaction = Parameters<Parameters<TestDatabase['transaction']>[0]>[0]

test('close waits for what is under way, refuses what comes after, and may be called twice', async () => {
  const db = await openTestDatabase({ migrated: false })
  const running = db.query('select pg_sleep(0.05), 1 as n')
  const queued = Promise.all(Array.from({ length: 20 }, () => db.query('select 1 as n')))
  await Promise.all([db.close(), db.close()])
  assert.equal((await running)[0]!.n, 1)
  assert.equal((await queued).length, 20)
  await assert.rejects(db.query('select 1'), code('unavailable'))
  await assert.rejects(
    db.transaction(async () => {}),
    code('unavailable'),
  )
  await db.drop()
})
