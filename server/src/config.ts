// Environment and options -> Config. Pure.
import { join, resolve } from 'node:path'
import { Fault } from './fault.ts'

export interface Config {
  /** The data folder. */
  data: string
  host: string
  port: number
  databaseUrl: string | undefined
  /** The PostgreSQL schema of this log. */
  schema: string
  kek: { kind: 'environment'; value: string } | { kind: 'file'; path: string; made: boolean }
  /** Holds log key, subjects and, unless it comes from elsewhere, the key-encryption key. */
  keys: string
  /** Where checkpoints are pinned, outside the data folder. */
  state: string
  /** The origin of a new log. */
  origin: string | undefined
  /** Bytes of disk that are left free. */
  reserve: number
  /** Bytes of memory for the events of people whose features were asked for lately. */
  onlineMemory: number
  /** Milliseconds that one query over column files may take, and one that only plans or compiles a view. */
  queryLimit: number
  planLimit: number
  /** Where engines see the data folder, when that is not where it is: `file:///mnt/whence`. */
  tablesLocation: string | undefined
  /** Whether texts of prompts and answers in spans are kept masked, sealed under a person, or as digests only. */
  captureContent: 'masked' | 'digest'
  /** Variables that connectors name: their secrets, and nobody else's. */
  connectorSecrets: Readonly<Record<string, string>>
  /** The same of scorers that gates ask. */
  scorerSecrets: Readonly<Record<string, string>>
}

type Env = Readonly<Record<string, string | undefined>>

/** Reads the configuration. Throws `usage` for a value that cannot be meant. */
export function readConfig(
  data: string,
  env: Env,
  options: { host?: string | undefined; port?: string | undefined } = {},
): Config {
  const folder = resolve(data)
  const keys = env.WHENCE_KEYS ? resolve(env.WHENCE_KEYS) : join(folder, 'keys')
  return {
    data: folder,
    host: options.host ?? env.WHENCE_HOST ?? '127.0.0.1',
    port: integer(options.port ?? env.WHENCE_PORT ?? '4600', 'the port', 65_535),
    databaseUrl: env.DATABASE_URL || undefined,
    schema: env.WHENCE_SCHEMA ?? 'whence',
    kek: env.WHENCE_KEK
      ? { kind: 'environment', value: env.WHENCE_KEK }
      : {
          kind: 'file',
          path: env.WHENCE_KEK_FILE ? resolve(env.WHENCE_KEK_FILE) : join(keys, 'kek'),
          made: !env.WHENCE_KEK_FILE,
        },
    keys,
    state: env.WHENCE_STATE ? resolve(env.WHENCE_STATE) : stateFolder(env),
    origin: origin(env.WHENCE_ORIGIN),
    onlineMemory: integer(
      env.WHENCE_ONLINE_MEMORY ?? String(64 * 1024 * 1024),
      'WHENCE_ONLINE_MEMORY (bytes)',
      Number.MAX_SAFE_INTEGER,
    ),
    reserve: integer(
      env.WHENCE_DISK_RESERVE ?? String(256 * 1024 * 1024),
      'WHENCE_DISK_RESERVE (bytes)',
      Number.MAX_SAFE_INTEGER,
    ),
    queryLimit: 1000 * seconds(env.WHENCE_QUERY_SECONDS ?? '600', 'WHENCE_QUERY_SECONDS'),
    planLimit: 1000 * seconds(env.WHENCE_PLAN_SECONDS ?? '20', 'WHENCE_PLAN_SECONDS'),
    tablesLocation: location(env.WHENCE_TABLES_LOCATION),
    captureContent: captureContent(env.WHENCE_CAPTURE_CONTENT),
    connectorSecrets: secrets(env, 'WHENCE_CONNECTOR_'),
    scorerSecrets: secrets(env, 'WHENCE_SCORER_'),
  }
}

function secrets(env: Env, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[0].startsWith(prefix) && !!entry[1]),
  )
}

/** At most a week: a timer holds no more than 24 days. */
function seconds(text: string, what: string): number {
  const value = integer(text, what, 604_800)
  if (value === 0) throw new Fault('usage', `${what} is 0, so that nothing could be computed: give at least 1`)
  return value
}

/** Warnings that the server shows at its start and in its status. */
export function configWarnings(config: Config): string[] {
  const warnings: string[] = []
  if (config.kek.kind === 'file' && config.kek.path.startsWith(`${config.keys}/`)) {
    warnings.push(
      `the key-encryption key lies beside what it protects (${config.kek.path}): move it and set WHENCE_KEK_FILE, or set WHENCE_KEK`,
    )
  }
  if (config.host !== '127.0.0.1' && config.host !== 'localhost' && config.host !== '::1') {
    warnings.push(`the server listens on ${config.host} without TLS: put a proxy with TLS before it`)
  }
  return warnings
}

function stateFolder(env: Env): string {
  const home = env.XDG_STATE_HOME ?? (env.HOME ? join(env.HOME, '.local', 'state') : env.LOCALAPPDATA)
  if (!home)
    throw new Fault(
      'usage',
      'neither HOME nor XDG_STATE_HOME is set: set WHENCE_STATE to a folder outside the data folder',
    )
  return join(home, 'whence')
}

function origin(text: string | undefined): string | undefined {
  if (text === undefined || /^[a-zA-Z0-9][a-zA-Z0-9._/-]{2,99}$/.test(text)) return text
  throw new Fault(
    'usage',
    `WHENCE_ORIGIN "${text}" is no origin: use letters, digits, ".", "-", "_" and "/", as in example.com/whence`,
  )
}

function location(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  if (/^[a-z][a-z0-9+.-]*:\/\/\/?[^\s?#]+$/.test(text)) return text.replace(/\/+$/, '')
  throw new Fault(
    'usage',
    `WHENCE_TABLES_LOCATION "${text}" is no location: write where engines see the data folder, as in file:///mnt/whence`,
  )
}

function captureContent(text: string | undefined): Config['captureContent'] {
  if (text === undefined || text === '' || text === 'digest') return 'digest'
  if (text === 'masked') return text
  throw new Fault('usage', `WHENCE_CAPTURE_CONTENT is "${text}": write masked, or digest`)
}

function integer(text: string, what: string, most: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value) && value <= most) return value
  throw new Fault('usage', `${what} must be a whole number up to ${most}, not "${text}"`)
}
