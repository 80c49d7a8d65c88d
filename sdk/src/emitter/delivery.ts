// One request: how it is made, and what its answer means for each record.
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Destination } from './destination.ts'
import type { Item } from './segment.ts'

const compress = promisify(gzip)

/** Below this, compressing costs more than it saves. */
const WORTH_COMPRESSING = 1024
const LONGEST = 30_000
const LONGEST_WAIT = 300_000

export interface Refusal {
  readonly n: number
  readonly record: string
  readonly code: string
  readonly message: string
}

/** What became of the records of one request. */
export interface Tally {
  recorded: number
  quarantined: number
  duplicate: number
  conflict: number
  refusals: Refusal[]
}

export type Verdict =
  | { readonly kind: 'answered'; readonly tally: Tally; readonly again: readonly Item[] }
  /** Nothing is known to be accepted: the same once more, not before `after` milliseconds. */
  | { readonly kind: 'later'; readonly after: number; readonly code: string; readonly message: string }
  /** It was refused as a whole; of more than one record each is to be tried by itself. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly divisible: boolean }
  /** Nothing will ever be accepted with this key. */
  | { readonly kind: 'stopped'; readonly code: string; readonly message: string }

export interface DeliveryOptions {
  readonly url: string
  readonly key: string
  readonly emitter: string
  readonly gzip: boolean
  readonly fetch: (url: string, request: RequestInit) => Promise<Response>
}

/** Refusals of single records that the server may take back by itself. */
const passing = new Set(['overloaded', 'unavailable', 'disk_full', 'internal'])

export async function deliver(
  options: DeliveryOptions,
  destination: Destination,
  items: readonly Item[],
  signal: AbortSignal,
): Promise<Verdict> {
  let status: number
  let after = 0
  let text: string
  try {
    const response = await post(
      options,
      destination.path(options.emitter, numbersOf(items)),
      destination.type,
      destination.body(items.map((item) => item.text)),
      signal,
    )
    status = response.status
    after = retryAfter(response.headers)
    text = await response.text()
  } catch (error) {
    return { kind: 'later', after: 0, code: 'unreachable', message: reasonOf(error) }
  }
  const value = parsed(text)
  if (status >= 200 && status < 300) {
    const answered = read(value, items)
    if (answered) return answered
    const message = `${options.url} does not answer as a Whence server does: ${text.slice(0, 100)}`
    return { kind: 'later', after, code: 'unexpected_answer', message }
  }
  const { code = `http_${status}`, message = `status ${status}` } = problemOf(value)
  if (status === 401 || status === 403) return { kind: 'stopped', code, message }
  if (status >= 500 || status === 408 || status === 425 || status === 429 || status < 400)
    return { kind: 'later', after, code, message }
  return { kind: 'refused', code, message, divisible: status !== 404 && status !== 405 }
}

/** A request with the key; any answer resolves, only its absence throws. */
export async function post(
  { url, key, gzip: zipped, fetch }: DeliveryOptions,
  path: string,
  type: string,
  body: string,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = {
    accept: 'application/json',
    authorization: `Bearer ${key}`,
    'content-type': type,
  }
  const small = !zipped || body.length < WORTH_COMPRESSING
  if (!small) headers['content-encoding'] = 'gzip'
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    body: small ? body : await compress(body, { level: 1 }),
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST)]),
  })
}

/** `7-9,12`: the numbers of these records, which rise. */
export function numbersOf(items: readonly Item[]): string {
  const ranges: [number, number][] = []
  for (const { n } of items) {
    const last = ranges.at(-1)
    if (last && last[1] === n - 1) last[1] = n
    else ranges.push([n, n])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}

interface Answer {
  accounting?: Record<string, unknown>
  results?: { line?: number; status?: string; outcome?: string; problem?: { code?: string; message?: string } }[]
  receipt?: { status?: string }
}

function read(value: unknown, items: readonly Item[]): Verdict | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const answer = value as Answer
  const tally: Tally = { recorded: 0, quarantined: 0, duplicate: 0, conflict: 0, refusals: [] }
  const again: Item[] = []
  const results = answer.results
  if (!Array.isArray(results)) {
    // One record, one receipt.
    if (items.length !== 1 || typeof answer.receipt?.status !== 'string') return undefined
    if (answer.receipt.status === 'duplicate') tally.duplicate = 1
    else tally.recorded = 1
    return { kind: 'answered', tally, again }
  }
  const counts = (answer.accounting ?? value) as Record<string, unknown>
  const count = (name: string): number => (Number.isSafeInteger(counts[name]) ? (counts[name] as number) : 0)
  tally.duplicate = count('duplicate')
  tally.conflict = count('conflict')
  tally.quarantined = count('quarantined')
  tally.recorded = count('recorded') + count('passed') + count('flagged') + count('quarantined') + count('dropped')
  for (const [i, { line, status, problem }] of results.entries()) {
    if (status !== 'refused') continue
    const item = items[line === undefined ? i : line - 1]
    if (!item) return undefined
    const { code = 'refused', message = '' } = problem ?? {}
    if (passing.has(code)) again.push(item)
    else tally.refusals.push({ n: item.n, record: item.text, code, message })
  }
  const sum = tally.recorded + tally.duplicate + tally.conflict + tally.refusals.length + again.length
  return sum === items.length ? { kind: 'answered', tally, again } : undefined
}

function problemOf(value: unknown): { code?: string; message?: string } {
  const { error } = (typeof value === 'object' && value !== null ? value : {}) as { error?: unknown }
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  }
}

/** RFC 9110, section 10.2.3: seconds, or a date, which is read against the server's own clock. */
export function retryAfter(headers: Headers): number {
  const given = headers.get('retry-after')
  if (given === null) return 0
  const seconds = /^\s*\d+\s*$/.test(given)
    ? Number(given)
    : (Date.parse(given) - Date.parse(headers.get('date') ?? '')) / 1000
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(seconds * 1000, 0), LONGEST_WAIT)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message
}
