// A real listmonk, at the version of go.mod, on 127.0.0.1 with a PostgreSQL database of its own. It is built without its
// pages: only its API is asked.
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { goIsHere } from '../tools.ts'

const here = import.meta.dirname
const MODULE = 'github.com/knadh/listmonk'
export const user = 'api'
export const password = 'a-token-of-the-test'

/** Why no listmonk can run here: the `skip` of a suite. In CI nothing is skipped. */
export function lackingListmonk(): string | false {
  if (process.env['CI'] === 'true') return false
  if (!goIsHere()) return 'Go is not installed'
  return process.env['DATABASE_URL'] ? false : 'DATABASE_URL names no PostgreSQL server'
}

export interface Listmonk {
  readonly url: string
  /** What the API answers under `data`. Throws when it refuses. */
  ask<T = { id: number; status: string; sent: number }>(method: string, path: string, body?: object): Promise<T>
  stop(): Promise<void>
}

/** Starts a listmonk that delivers to this SMTP port of 127.0.0.1. */
export async function startListmonk(smtpPort: number): Promise<Listmonk> {
  const server = new URL(process.env['DATABASE_URL']!)
  const database = `listmonk_${randomBytes(6).toString('hex')}`
  await sql(server.href, `CREATE DATABASE ${database}`)
  const folder = mkdtempSync(join(tmpdir(), 'listmonk-'))
  const remove = async (): Promise<void> => {
    await sql(server.href, `DROP DATABASE ${database} WITH (FORCE)`)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const program = build(folder)
    const port = await freePort()
    // Without a password its driver would take the name of the database for one, and install into another database.
    const db = {
      host: server.hostname,
      port: Number(server.port || 5432),
      user: decodeURIComponent(server.username),
      password: decodeURIComponent(server.password) || 'none',
      database,
      ssl_mode: 'disable',
      max_open: 5,
      max_idle: 5,
      max_lifetime: '300s',
    }
    writeFileSync(
      join(folder, 'config.toml'),
      toml('app', { address: `127.0.0.1:${port}`, admin_username: user, admin_password: password }) + toml('db', db),
      { mode: 0o600 },
    )
    execFileSync(program, ['--install', '--yes'], { cwd: folder, stdio: 'pipe' })
    const own = new URL(server.href)
    own.pathname = `/${database}`
    await sql(own.href, settings(smtpPort))
    const child = spawn(program, [], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = once(child, 'exit')
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
    const url = `http://127.0.0.1:${port}`
    const deadline = Date.now() + 30_000
    while (!(await answers(url))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill()
        throw new Error(`listmonk does not answer: ${said}`)
      }
      await wait(100)
    }
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return {
      url,
      async ask<T>(method: string, path: string, body?: object) {
        const answer = await fetch(`${url}/api/${path}`, {
          method,
          headers: { authorization, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        const text = await answer.text()
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`)
        return (JSON.parse(text) as { data: T }).data
      },
      async stop() {
        child.kill()
        await ended
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Builds it, and lays beside it the files that it reads; of its pages there need only be the folder. */
function build(folder: string): string {
  const program = join(folder, 'listmonk')
  execFileSync('go', ['build', '-o', program, `${MODULE}/cmd`], { cwd: here, stdio: 'pipe' })
  const source = execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', MODULE], { cwd: here, encoding: 'utf8' }).trim()
  for (const part of ['config.toml.sample', 'queries.sql', 'schema.sql', 'i18n', 'static'])
    execFileSync('cp', ['-r', '--no-preserve=mode', join(source, part), folder])
  mkdirSync(join(folder, 'frontend/dist/frontend'), { recursive: true })
  cpSync(join(folder, 'schema.sql'), join(folder, 'frontend/dist/favicon.png'))
  mkdirSync(join(folder, 'uploads'))
  return program
}

const toml = (table: string, values: Record<string, string | number>): string =>
  `[${table}]\n${Object.entries(values)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
    .join('')}`

/** One connection, so that a campaign takes long enough to be paused. */
function settings(smtpPort: number): string {
  const smtp = {
    enabled: true,
    host: '127.0.0.1',
    port: smtpPort,
    auth_protocol: 'none',
    username: '',
    password: '',
    hello_hostname: 'localhost',
    max_conns: 2,
    idle_timeout: '15s',
    wait_timeout: '5s',
    max_msg_retries: 1,
    tls_enabled: false,
    tls_skip_verify: true,
    email_headers: [],
  }
  const values = {
    smtp: [smtp],
    'app.batch_size': 20,
    'app.concurrency': 2,
    'app.message_rate': 50,
    'app.check_updates': false,
    'app.notify_emails': [],
  }
  return Object.entries(values)
    .map(([key, value]) => `UPDATE settings SET value = '${JSON.stringify(value)}' WHERE key = '${key}';`)
    .join('\n')
}

async function sql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url)
    return true
  } catch {
    return false
  }
}
