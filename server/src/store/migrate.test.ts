import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { isFault } from '../fault.ts'
import { migrate, readMigrations } from './migrate.ts'
import { openTestDatabase } from './testing.ts'

const first = { name: '0001_first', sql: 'create table first (a int4); insert into first values (1);' }
const second = { name: '0002_second', sql: 'alter table first add b int4 default 2' }
const third = { name: '0003_third', sql: 'create table third (a int4)' }

async function empty(t: TestContext) {
  const database = await openTestDatabase({ migrated: false })
  t.after(() => database.drop())
  return database
}

const refused = (error: unknown) => isFault(error, 'refused_start')

test('applies each migration once, in order', async (t) => {
  const db = await empty(t)
  await migrate(db, [first])
  await migrate(db, [first, second])
  await migrate(db, [first, second])
  assert.deepEqual(await db.query('select * from first'), [{ a: 1, b: 2 }])
  const applied = await db.query<{ name: string }>('select name from migration order by name')
  assert.deepEqual(
    applied.map(({ name }) => name),
    ['0001_first', '0002_second'],
  )
})

test('a migration that fails leaves nothing behind', async (t) => {
  const db = await empty(t)
  await assert.rejects(migrate(db, [first, { name: '0002_wrong', sql: 'create table x (a int4); select 1/0' }]))
  assert.deepEqual(await db.query(`select to_regclass('first')::text as a, to_regclass('migration')::text as b`), [
    { a: null, b: null },
  ])
})

test('refuses an applied migration that was changed, slipped in before, or is unknown', async (t) => {
  const db = await empty(t)
  await migrate(db, [first, third])
  await assert.rejects(migrate(db, [{ ...first, sql: `${first.sql} ` }, third]), refused)
  await assert.rejects(migrate(db, [first, second, third]), refused)
  await assert.rejects(migrate(db, [first]), refused)
  await migrate(db, [first, third])
})

test('two that migrate at once do it once', async (t) => {
  const db = await empty(t)
  await Promise.all([migrate(db, [first, second]), migrate(db, [first, second])])
  assert.equal((await db.query('select 1 from first')).length, 1)
})

test('our migrations have numbers of their own and apply', async (t) => {
  const migrations = await readMigrations()
  const numbers = migrations.map(({ name }) => /^(\d{4})_[a-z0-9_]+$/.exec(name)?.[1])
  assert.ok(numbers.every(Boolean), `named NNNN_name.sql: ${migrations.map(({ name }) => name).join()}`)
  assert.equal(new Set(numbers).size, numbers.length)
  const db = await empty(t)
  await db.migrate()
  await db.migrate()
})
