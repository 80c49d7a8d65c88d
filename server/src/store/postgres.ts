// PostgreSQL over TCP or a socket. Each log has a schema of its own, so that several share a server.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pool } from 'pg'
import { from } from 'pg-copy-streams'
import { Fault } from '../fault.ts'
import { quoted } from './copy.ts'
import type { Database } from './database.ts'
import { openPool, PooledDatabase } from './pooled.ts'
import { sqlError } from './values.ts'

const oldest = 15

/** One message of the protocol each; larger ones gain nothing. */
const chunk = 256 * 1024

export async function openPostgres(url: string, schema: string): Promise<Database> {
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new Fault('refused_start', `"${schema}" cannot name a schema: use lower-case letters, digits and _.`)
  }
  const pool = openPool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'whence',
    // JIT costs more than it brings on statements that run for milliseconds.
    onConnect: (client) =>
      client.query(`set search_path to ${quoted(schema)}; set jit to off; set client_min_messages to warning`),
  })
  try {
    await prepare(pool, schema)
  } catch (error) {
    await pool.end()
    throw error
  }
  return new PooledDatabase({
    name: 'postgres',
    pool,
    source: 'stdin',
    copy: (client, statement, bytes) => pipeline(Readable.from(chunks(bytes)), client.query(from(statement))),
  })
}

async function prepare(pool: Pool, schema: string): Promise<void> {
  try {
    const server = await pool.query('show server_version_num')
    const version = Math.floor(Number(server.rows[0].server_version_num) / 10_000)
    if (version < oldest) {
      throw new Fault('refused_start', `PostgreSQL ${version} is too old; Whence needs ${oldest} or newer.`)
    }
    const encoding = await pool.query('show server_encoding')
    if (encoding.rows[0].server_encoding !== 'UTF8') {
      throw new Fault('refused_start', 'The database is not encoded in UTF8; create one with "encoding \'UTF8\'".')
    }
    const found = await pool.query('select 1 from pg_namespace where nspname = $1', [schema])
    // Asked first, because a role that may use a schema may still lack the right to create one.
    if (found.rows.length === 0) await pool.query(`create schema if not exists ${quoted(schema)}`)
  } catch (error) {
    const fault = sqlError(error)
    // Two that start at once both find no schema.
    if ('code' in fault && fault.code === '23505') return
    throw fault
  }
}

function* chunks(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunk) yield bytes.subarray(start, start + chunk)
}
