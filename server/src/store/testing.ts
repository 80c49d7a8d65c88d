// A database for a test: on the server of DATABASE_URL in a schema of its own, which is dropped afterwards, or else
// PGlite in memory. The whole suite thus runs on either.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { openDatabase, type Database } from './database.ts'
import { digest, readMigrations } from './migrate.ts'
import { openPglite } from './pglite.ts'

export interface TestDatabase extends Database {
  /** Ends it and leaves nothing behind. */
  drop(): Promise<void>
}

/** Runs `fn` on a fresh, migrated database: `test('…', (t) => withDatabase(t, async (db) => { … }))`. */
export async function withDatabase<T>(t: TestContext, fn: (database: Database) => Promise<T>): Promise<T> {
  const database = await openTestDatabase()
  t.after(() => database.drop())
  return fn(database)
}

/** A fresh database, migrated unless `migrated` is false. With `folder` PGlite keeps it there instead of in memory. */
export async function openTestDatabase(
  options: { migrated?: boolean; folder?: string; schema?: string } = {},
): Promise<TestDatabase> {
  const url = process.env.DATABASE_URL
  const { migrated = true } = options
  const schema = options.schema ?? `test_${randomBytes(8).toString('hex')}`
  const folder = options.folder ?? 'memory://'
  const fresh = folder === 'memory://' || !existsSync(folder)
  const database = url
    ? await openDatabase({ url, folder: '', schema })
    : await openPglite(folder, { template: fresh ? await template({ migrated }) : undefined })
  if (migrated) await database.migrate()
  return Object.assign(database, {
    async drop() {
      await database.close()
      if (url) await dropSchema(url, schema)
    },
  })
}

/** The server of DATABASE_URL, and a schema on it, for tests that open the database themselves. */
export async function dropSchema(url: string, schema: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`set client_min_messages to warning; drop schema if exists "${schema}" cascade`)
  } finally {
    await client.end()
  }
}

const made = new Map<boolean, Promise<string>>()

/** An initialised PGlite folder as an archive, with all tables unless `migrated` is false. */
export async function template({ migrated = true } = {}): Promise<Uint8Array> {
  return readFile(join(await templates(migrated), 'archive'))
}

/** The same as a folder, to be copied. */
export async function templateFolder(): Promise<string> {
  return join(await templates(true), 'folder')
}

/** Both take seconds to make: it is done once a machine, version and list of migrations. */
function templates(migrated: boolean): Promise<string> {
  if (!made.has(migrated)) made.set(migrated, makeTemplates(migrated))
  return made.get(migrated)!
}

async function makeTemplates(migrated: boolean): Promise<string> {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
  const holds = migrated ? digest(JSON.stringify(await readMigrations())).slice(0, 16) : 'empty'
  const place = join(tmpdir(), `whence-${userInfo().username}-pglite-${version}-${holds}`)
  if (existsSync(place)) return place
  const draft = await mkdtemp(`${place}.`)
  const folder = join(draft, 'folder')
  await (await PGlite.create({ dataDir: folder, initDbStartParams: ['--wal-segsize=1'] })).close()
  if (migrated) {
    const database = await openPglite(folder)
    await database.migrate()
    await database.close()
  }
  const pglite = await PGlite.create({ dataDir: folder })
  const dump = await pglite.dumpDataDir('none')
  await pglite.close()
  await writeFile(join(draft, 'archive'), new Uint8Array(await dump.arrayBuffer()))
  // Two at once: the second throws its own away.
  await rename(draft, place).catch(() => rm(draft, { recursive: true }))
  return place
}
