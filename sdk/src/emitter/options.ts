import { randomBytes } from 'node:crypto'
import type { Emission } from '../emissions.ts'
import type { BacklogLimits } from './backlog.ts'
import type { Refusal } from './delivery.ts'

export interface EmitterOptions {
  /** Where the server listens, for example `http://127.0.0.1:4600`. */
  readonly url: string
  /** An API key with the scope `ingest`; what is emitted is recorded under the key's source. */
  readonly key: string
  /** A folder that keeps what is unsent; without one that is kept in memory, and lost with the process. */
  readonly spool?: string
  /** By stream (`whence.predictions`, `whence.runs`): the share that is sent, and the field of the id where it is missing. */
  readonly streams?: Readonly<Record<string, { readonly rate?: number; readonly id?: string }>>
  /** A batch is sent when it has this many records (500), this many bytes (256 KiB), or is this old (200 ms). */
  readonly records?: number
  readonly bytes?: number
  readonly every?: number
  /** What was emitted is in the spool after so many milliseconds (20). */
  readonly keepEvery?: number
  /** Losses are reported to the server this often, in milliseconds (60,000). */
  readonly reportEvery?: number
  /** Bytes of the spool (256 MiB), and of what is kept in memory (32 MiB). Beyond, the newest records are dropped. */
  readonly spoolBytes?: number
  readonly memoryBytes?: number
  /** Compress bodies of more than 1 KiB (yes). */
  readonly gzip?: boolean
  /** The first wait after a failure, and the longest, in milliseconds (250 and 30,000). */
  readonly retry?: { readonly first?: number; readonly longest?: number }
  /** Hears of each kind of problem once, until it is over. Default: a line on stderr. */
  readonly onProblem?: (code: string, message: string) => void
  /** Gets each record that the server has refused for good. */
  readonly onRefused?: (refusal: Refusal & { readonly stream: string }) => void
  readonly fetch?: (url: string, request: RequestInit) => Promise<Response>
  /** Between 0 and 1, for sampling. */
  readonly random?: () => number
}

export interface EmitterStats {
  readonly emitter: string
  /** Why nothing is sent any more: the key is not good. */
  readonly stopped?: string
  readonly streams: Readonly<Record<string, Emission & { readonly quarantined: number }>>
  /** Bytes of the spool. */
  readonly spooled: number
}

export interface Settings {
  readonly url: string
  readonly key: string
  readonly spool: string | undefined
  readonly streams: NonNullable<EmitterOptions['streams']>
  readonly limits: BacklogLimits
  readonly every: number
  readonly keepEvery: number
  readonly reportEvery: number
  readonly gzip: boolean
  readonly retry: { readonly first: number; readonly longest: number }
  readonly onProblem: (code: string, message: string) => void
  readonly onRefused: EmitterOptions['onRefused']
  readonly fetch: NonNullable<EmitterOptions['fetch']>
  readonly random: () => number
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number
  /** The id of an emitter without a spool. */
  readonly emitter: string
}

/** Throws a TypeError for what cannot work: this is the one moment at which an emitter throws. */
export function settingsOf(options: EmitterOptions): Settings {
  if (!URL.canParse(options.url)) throw new TypeError(`"${options.url}" is no URL: give the address of the server.`)
  if (!options.key) throw new TypeError('An emitter needs a key: give one with the scope "ingest".')
  const streams = options.streams ?? {}
  for (const [stream, { rate = 1 }] of Object.entries(streams)) {
    if (!(rate >= 0 && rate <= 1)) throw new TypeError(`The rate of ${stream} is ${rate}: it lies between 0 and 1.`)
  }
  return {
    url: options.url.replace(/\/+$/, ''),
    key: options.key,
    spool: options.spool,
    streams,
    limits: {
      disk: options.spoolBytes ?? 256 * 1024 * 1024,
      memory: options.memoryBytes ?? 32 * 1024 * 1024,
      records: options.records ?? 500,
      bytes: options.bytes ?? 256 * 1024,
    },
    every: options.every ?? 200,
    keepEvery: options.keepEvery ?? 20,
    reportEvery: options.reportEvery ?? 60_000,
    gzip: options.gzip ?? true,
    retry: { first: options.retry?.first ?? 250, longest: options.retry?.longest ?? 30_000 },
    onProblem: options.onProblem ?? ((_, message) => console.warn(`whence emitter: ${message}`)),
    onRefused: options.onRefused,
    fetch: options.fetch ?? ((url, request) => fetch(url, request)),
    random: options.random ?? Math.random,
    now: () => performance.now(),
    emitter: randomBytes(8).toString('hex'),
  }
}
