// Migrations: plain SQL files, applied once, in the order of their names, each in a transaction with its own record.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { Fault } from '../fault.ts'
import type { Database } from './database.ts'
import type { ScriptTransaction } from './pooled.ts'

export interface Migration {
  /** `0001_follower` */
  name: string
  sql: string
}

const folder = new URL('./migrations/', import.meta.url)

export async function readMigrations(from: URL = folder): Promise<Migration[]> {
  const files = (await readdir(from)).filter((file) => file.endsWith('.sql')).toSorted()
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, from), 'utf8')
      // A checkout may have changed the line ends.
      return { name: file.slice(0, -'.sql'.length), sql: text.replaceAll('\r\n', '\n') }
    }),
  )
}

/**
 * Brings the database to the last migration. Refuses (`refused_start`) when what was applied is not the beginning of
 * what is given: a changed file, one slipped in between, or a database of a newer version.
 */
export async function migrate(database: Database, migrations?: readonly Migration[]): Promise<void> {
  const wanted = migrations ?? (await readMigrations())
  // One transaction for all, so that a failure leaves the database as it was.
  await database.transaction(async (transaction) => {
    const tx = transaction as ScriptTransaction
    // Two that start at once on one schema: the second waits, and finds everything applied.
    await tx.query(`select pg_advisory_xact_lock(hashtext('whence migration ' || current_schema()))`)
    await tx.query('create table if not exists migration (name text primary key, sha256 text not null)')
    const applied = await tx.query<{ name: string; sha256: string }>('select name, sha256 from migration')
    applied.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const [index, { name, sha256 }] of applied.entries()) refuseUnlessSame(name, sha256, wanted, index)
    for (const { name, sql } of wanted.slice(applied.length)) {
      await tx.script(sql)
      await tx.query('insert into migration (name, sha256) values ($1, $2)', [name, digest(sql)])
    }
  })
}

function refuseUnlessSame(name: string, sha256: string, wanted: readonly Migration[], index: number) {
  const next = wanted[index]
  if (next?.name === name && digest(next.sql) === sha256) return
  let reason = `migration ${name} was changed after it had been applied`
  if (!wanted.some((migration) => migration.name === name)) {
    reason = `it has migration ${name}, which this version of Whence does not know`
  } else if (next!.name !== name) {
    reason = `migration ${next!.name} comes before ${name}, which is applied already`
  }
  throw new Fault(
    'refused_start',
    `The database does not fit: ${reason}. Start the version that made it, or give it an empty database or schema.`,
  )
}

export function digest(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}
