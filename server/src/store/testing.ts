// A database for a test: on the server of DATABASE_URL in a schema of its own, which is dropped afterwards, or else
// PGlite in memory. The whole suite thus runs on either.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { openDatabase, type Database } from './database.ts'
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
  const schema = options.schema ?? `test_${randomBytes(8).toString('hex')}`
  const folder = options.folder ?? 'memory://'
  const fresh = folder === 'memory://' || !existsSync(folder)
  const database = url
    ? await openDatabase({ url, folder: '', schema })
    : await openPglite(folder, { template: fresh ? await template() : undefined })
  if (options.migrated ?? true) await database.migrate()
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

let made: Promise<Uint8Array> | undefined

/** An initialised PGlite folder: initdb takes seconds, so that it is done once a machine and version. */
export function template(): Promise<Uint8Array> {
  made ??= (async () => {
    const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
    const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
    const file = join(tmpdir(), `whence-${userInfo().username}-pglite-${version}.tar`)
    if (!existsSync(file)) {
      const pglite = await PGlite.create({ initDbStartParams: ['--wal-segsize=1'] })
      const dump = await pglite.dumpDataDir('none')
      await pglite.close()
      const mine = `${file}.${process.pid}`
      await writeFile(mine, new Uint8Array(await dump.arrayBuffer()))
      await rename(mine, file)
    }
    return readFile(file)
  })()
  return made
}
