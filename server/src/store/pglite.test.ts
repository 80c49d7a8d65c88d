// What only the embedded database promises.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Fault, isFault } from '../fault.ts'
import { openPglite } from './pglite.ts'
import { template } from './testing.ts'

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-pglite-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'database')
}

const unavailable = (error: unknown) => isFault(error, 'unavailable')

/** Runs a module in a process of its own that has `open`, and gives its first line of output. */
function run(script: string) {
  const imports = `import { openPglite } from ${JSON.stringify(new URL('./pglite.ts', import.meta.url).href)}\n`
  const child = spawn(process.execPath, ['--input-type=module', '-e', imports + script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, exited: once(child, 'exit') }
}

test('a process that is killed loses nothing that was committed', async (t) => {
  const folder = await temporary(t)
  await (await openPglite(folder, { template: await template({ migrated: false }) })).close()
  const { child, exited } = run(`
    const db = await openPglite(${JSON.stringify(folder)})
    await db.query('create table item (n int8)')
    for (let n = 1; ; n++) {
      await db.transaction((tx) => tx.copy('item', [{ name: 'n', type: 'int8' }], Array(100).fill([n])))
      console.log(n)
    }`)
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (said.split('\n').length > 50) break
  }
  child.kill('SIGKILL')
  await exited
  const committed = BigInt(said.trimEnd().split('\n').at(-1)!)
  const db = await openPglite(folder)
  t.after(() => db.close())
  const rows = await db.query<{ n: bigint; rows: bigint }>('select n, count(*) as rows from item group by n order by n')
  assert.ok(BigInt(rows.length) >= committed, `${rows.length} of ${committed} transactions`)
  assert.ok(rows.every((row, index) => row.n === BigInt(index + 1) && row.rows === 100n))
})

test('a process ends by itself once the database is closed', async (t) => {
  const folder = await temporary(t)
  await (await openPglite(folder, { template: await template({ migrated: false }) })).close()
  const { exited } = run(`
    const db = await openPglite(${JSON.stringify(folder)})
    await db.query('select 1')
    await db.close()`)
  assert.deepEqual(await exited, [0, null])
})

test('when PGlite breaks, everyone who waits is told, and so is everyone who comes', async () => {
  const db = await openPglite('memory://', { template: await template({ migrated: false }) })
  // The statement waits for data inside PGlite, where none can come: a way to break it from outside.
  const breaking = db.query('copy (select 1) to stdout; copy pg_class from stdin')
  const waiting = [db.query('select 1'), db.transaction((tx) => tx.query('select 1'))]
  for (const each of [breaking, ...waiting]) await assert.rejects(each, unavailable)
  await assert.rejects(db.query('select 1'), unavailable)
  await db.close()
})

test('refuses to start on a folder that is not its own', async (t) => {
  const folder = await temporary(t)
  await (await openPglite(folder, { template: await template({ migrated: false }) })).close()
  await rm(join(folder, 'global'), { recursive: true })
  await assert.rejects(openPglite(folder), (error) => error instanceof Fault && error.code === 'refused_start')
})

test('keeps house: the write-ahead log stays small, dead rows go, the planner knows its tables', async (t) => {
  const folder = await temporary(t)
  const db = await openPglite(folder, { template: await template({ migrated: false }), housekeeping: 0 })
  t.after(() => db.close())
  await db.query('create table item (n int8, filler text)')
  let largest = 0
  for (let round = 0; round < 4; round++) {
    await db.query(`insert into item select n, repeat('x', 1800) from generate_series(1, 20000) as n`)
    largest = Math.max(largest, await bytes(join(folder, 'pg_wal')))
  }
  const [grown] = await db.query("select relallvisible > 10000 as read from pg_class where relname = 'item'")
  assert.ok(grown!.read, 'what only grew can be read from its indexes alone')
  await db.query('delete from item where n > 10000')
  await db.query('select 1')
  const [known] = await db.query(`
    select pg_current_wal_insert_lsn() - '0/0'::pg_lsn > 140e6 as written, reltuples::int4 as planned,
           (select n_dead_tup from pg_stat_user_tables where relname = 'item') as dead
    from pg_class where relname = 'item'`)
  assert.ok(known!.written)
  assert.ok(largest < 120e6, `the write-ahead log grew to ${largest} bytes`)
  assert.equal(known!.dead, 0n)
  assert.ok(Math.abs((known!.planned as number) - 40_000) < 4_000, `the planner expects ${String(known!.planned)} rows`)
})

async function bytes(folder: string): Promise<number> {
  const files = await readdir(folder)
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
