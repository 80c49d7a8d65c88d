// Where a story plays: a data folder, keys and pins of its own, and a schema where the database is PostgreSQL. Servers
// run in this process or as children; nothing is left when the story is over.
import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { readConfig } from '../server/src/config.ts'
import type { Config } from '../server/src/config.ts'
import { startServer } from '../server/src/server.ts'
import type { Server, StartOptions } from '../server/src/server.ts'
import { Ledger } from '../server/src/record/ledger/ledger.ts'
import type { LedgerOptions } from '../server/src/record/ledger/ledger.ts'
import { systemClock } from '../server/src/record/time.ts'
import { localFiles } from '../server/src/store/files.ts'
import { loadKek, openKeyStore } from '../server/src/store/keys.ts'
import type { KeyStore } from '../server/src/store/keys.ts'
import { dropSchema, templateFolder } from '../server/src/store/testing.ts'

export const main = fileURLToPath(new URL('../server/src/main.ts', import.meta.url))

export interface Running extends Server {
  client: Client
}

/** What a command line did. */
export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

export class Site {
  readonly folder: string
  readonly data: string
  readonly state: string
  readonly env: Record<string, string>
  readonly #running = new Set<Running>()
  readonly #children = new Set<ChildProcess>()

  private constructor(folder: string, env: Record<string, string>) {
    this.folder = folder
    this.data = join(folder, 'data')
    this.state = join(folder, 'state')
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('WHENCE_') && !name.startsWith('NODE_TEST'),
    )
    this.env = {
      ...(Object.fromEntries(inherited) as Record<string, string>),
      NO_COLOR: '1',
      WHENCE_STATE: this.state,
      WHENCE_SCHEMA: `journey_${randomBytes(8).toString('hex')}`,
      ...env,
    }
  }

  /** A new place. `env` is added to the environment of its servers and commands. */
  static async make(env: Record<string, string> = {}): Promise<Site> {
    const site = new Site(await mkdtemp(join(tmpdir(), 'whence-journey-')), env)
    await site.#layDatabase()
    return site
  }

  get config(): Config {
    return readConfig(this.data, this.env)
  }

  /** A server in this process, on a free port. */
  async start(options: StartOptions = {}): Promise<Running> {
    const server = await startServer(this.config, { private: true, ...options })
    const running: Running = {
      ...server,
      client: createClient({ url: server.url, key: server.token }),
      stop: async () => {
        this.#running.delete(running)
        await server.stop()
      },
    }
    this.#running.add(running)
    return running
  }

  /** The ledger alone, without tables and doors. */
  async ledger(options: Partial<LedgerOptions> = {}): Promise<BareLedger> {
    return openLedger(this.config, options)
  }

  /** `whence …` as a process of its own. */
  whence(...args: string[]): Promise<Ran> {
    return this.whenceWith({}, ...args)
  }

  async whenceWith(
    { input, env = {} }: { input?: string | Uint8Array; env?: Record<string, string> },
    ...args: string[]
  ): Promise<Ran> {
    const child = this.spawn([main, ...args], env)
    const ran: Ran = { code: null, stdout: '', stderr: '' }
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (ran.stdout += text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (ran.stderr += text))
    child.stdin!.on('error', () => {})
    child.stdin!.end(input)
    ran.code = await new Promise((resolve) => child.once('close', resolve))
    return ran
  }

  /** A child process of the same runtime, in this place's environment. It dies with the site. */
  spawn(args: string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...this.env, WHENCE_DATA: this.data, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  /** Another place with copies of these folders as they are now, and with tables of its own that are yet to be made. */
  async copy(env: Record<string, string> = {}): Promise<Site> {
    const other = await Site.make({ ...this.env, WHENCE_SCHEMA: `journey_${randomBytes(8).toString('hex')}`, ...env })
    Object.assign(other.env, { WHENCE_STATE: other.state, ...env })
    const without = new Set([join(this.data, 'database'), join(this.data, 'lock'), join(this.data, 'database.open')])
    await cp(this.data, other.data, { recursive: true, filter: (path) => !without.has(path) })
    if (existsSync(this.state)) await cp(this.state, other.state, { recursive: true })
    return other
  }

  /** Drops the tables, so that the next server makes them again. */
  async forgetTables(): Promise<void> {
    if (this.env.DATABASE_URL) return dropSchema(this.env.DATABASE_URL, this.env.WHENCE_SCHEMA!)
    await rm(join(this.data, 'database'), { recursive: true, force: true })
    await this.#layDatabase()
  }

  async remove(): Promise<void> {
    for (const running of this.#running) await running.stop().catch(() => {})
    for (const child of this.#children) child.kill('SIGKILL')
    if (this.env.DATABASE_URL) await dropSchema(this.env.DATABASE_URL, this.env.WHENCE_SCHEMA!)
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** An initialised database with its tables to begin with: they take seconds to make. */
  async #layDatabase(): Promise<void> {
    if (this.env.DATABASE_URL) return
    await cp(await templateFolder(), join(this.data, 'database'), { recursive: true })
  }
}

export interface BareLedger {
  ledger: Ledger
  keys: KeyStore
  stop(): Promise<void>
}

/** Opens the ledger of a data folder, with its key store. What fails fatally is thrown at nobody: give `onFatal`. */
export async function openLedger(config: Config, options: Partial<LedgerOptions> = {}): Promise<BareLedger> {
  const files = options.files ?? localFiles()
  const keys = await openKeyStore(files, config.keys, await loadKek(files, config.kek))
  const ledger = await Ledger.open({
    files,
    folder: config.data,
    keys,
    keyFolder: config.keys,
    stateFolder: config.state,
    origin: 'ledger.example/journey',
    clock: systemClock,
    reserve: 0,
    onFatal: () => {},
    ...options,
  })
  return {
    ledger,
    keys,
    async stop() {
      await ledger.stop()
      await keys.close()
      files.close()
    },
  }
}
