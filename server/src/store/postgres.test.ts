// What only a server promises.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { isFault } from '../fault.ts'
import { openDatabase } from './database.ts'
import { dropSchema, openTestDatabase } from './testing.ts'

const url = process.env.DATABASE_URL ?? ''
const skip = url === '' && 'DATABASE_URL is not set'

test('each log has a schema of its own, on every connection', { skip }, async (t) => {
  const [one, two] = [await openTestDatabase(), await openTestDatabase()]
  t.after(() => Promise.all([one.drop(), two.drop()]))
  await one.query(`insert into follower values ('a', 1)`)
  const counts = Array.from({ length: 20 }, () => one.query('select name from follower, pg_sleep(0.01)'))
  for (const rows of await Promise.all(counts)) assert.equal(rows.length, 1)
  assert.deepEqual(await two.query('select name from follower'), [])
})

test('a schema that is there is used as it is', { skip }, async (t) => {
  const schema = `test_${randomBytes(8).toString('hex')}`
  t.after(() => dropSchema(url, schema))
  const open = () => openDatabase({ url, folder: '', schema })
  const both = await Promise.all([open(), open()])
  await Promise.all(both.map((db) => db.migrate()))
  await both[0].query(`insert into follower values ('a', 1)`)
  await Promise.all(both.map((db) => db.close()))
  const again = await open()
  assert.deepEqual(await again.query('select name from follower'), [{ name: 'a' }])
  await again.close()
})

test('a connection that the server ends rejects its own work only', { skip }, async (t) => {
  const db = await openTestDatabase()
  t.after(() => db.drop())
  const ended = db.transaction(async (tx) => {
    const [me] = await tx.query('select pg_backend_pid() as pid')
    const sleeping = tx.query('select pg_sleep(60)')
    // Not through `db`, which is refused inside its own transaction.
    const other = await openTestDatabase()
    await other.query('select pg_terminate_backend($1::int4)', [me!.pid])
    await other.drop()
    await sleeping
  })
  await assert.rejects(ended, (error) => isFault(error, 'unavailable'))
  assert.deepEqual(await db.query('select 1 as n'), [{ n: 1 }])
})

test('a server that does not answer is unavailable, and its password stays out of the message', async () => {
  const opening = openDatabase({ url: 'postgres://someone:s3cret@127.0.0.1:1/none', folder: '' })
  await assert.rejects(opening, (error: Error) => isFault(error, 'unavailable') && !error.message.includes('s3cret'))
})

test('refuses a schema name that would need quoting, or is reserved', async () => {
  for (const schema of ['Upper', 'a-b', 'a"; drop schema public', 'pg_own', '']) {
    const opening = openDatabase({ url: 'postgres://127.0.0.1:1/none', folder: '', schema })
    await assert.rejects(opening, (error) => isFault(error, 'refused_start'))
  }
})
