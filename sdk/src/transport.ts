// How a call goes over the wire: addresses, the key, waiting while the server is overloaded, and answers read by their
// schemas.
import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'
import { WhenceError } from './error.ts'
import { Problem } from './receipts.ts'

export type ClientOptions = {
  /** Where the server listens, for example `http://127.0.0.1:4600`. */
  url: string
  /** The bearer key, `wk_…`. */
  key: string
  /** What carries the requests; default: the platform's `fetch`. */
  fetch?: (url: string, request: RequestInit) => Promise<Response>
  /** How often a call is made while the server says that it is overloaded (503); default 8. */
  tries?: number
  /** Waits, in milliseconds; tests put a clock of theirs here. */
  wait?: (milliseconds: number) => Promise<void>
  /** Ends all calls under way; they throw its reason. */
  signal?: AbortSignal
}

export type Call = {
  path?: Record<string, string | number>
  query?: Record<string, unknown>
  /** A Blob is read while it is sent, and again when the call is made again; a stream is made anew for each try. */
  body?: { type: string; bytes: string | Uint8Array | Blob | (() => ReadableStream<Uint8Array>); encoding?: 'gzip' }
}

const longestWait = 30_000

export class Transport {
  readonly #url: string
  readonly #key: string
  readonly #fetch: NonNullable<ClientOptions['fetch']>
  readonly #tries: number
  readonly #wait: (milliseconds: number) => Promise<void>
  readonly #signal: AbortSignal | undefined

  constructor(options: ClientOptions) {
    this.#url = options.url.replace(/\/+$/, '')
    this.#key = options.key
    this.#fetch = options.fetch ?? ((url, request) => fetch(url, request))
    this.#tries = options.tries ?? 8
    this.#wait = options.wait ?? ((milliseconds) => new Promise((done) => setTimeout(done, milliseconds)))
    this.#signal = options.signal
  }

  async json<S extends z.ZodType>(endpoint: Endpoint & { answer: { json: S } }, call?: Call): Promise<z.output<S>> {
    const response = await this.#send(endpoint, 'application/json', call)
    return parsed(endpoint, endpoint.answer.json, await textOf(endpoint, response))
  }

  /** Undefined where the server has nothing to say (204). */
  async jsonOrNothing<S extends z.ZodType>(
    endpoint: Endpoint & { answer: { json: S } },
    call?: Call,
  ): Promise<z.output<S> | undefined> {
    const response = await this.#send(endpoint, 'application/json', call)
    if (response.status === 204) return undefined
    return parsed(endpoint, endpoint.answer.json, await textOf(endpoint, response))
  }

  /** The answer as it arrives; throws `unreachable` when it breaks off. */
  async *bytes(endpoint: Endpoint, call?: Call): AsyncGenerator<Uint8Array, void, undefined> {
    const response = await this.#send(endpoint, '*/*', call)
    try {
      if (response.body !== null) yield* response.body
    } catch (error) {
      throw brokenOff(endpoint, error)
    }
  }

  async text(endpoint: Endpoint & { answer: { text: string } }, call?: Call): Promise<string> {
    return textOf(endpoint, await this.#send(endpoint, 'text/plain', call))
  }

  async *rows<S extends z.ZodType>(
    endpoint: Endpoint & { answer: { rows: S } },
    call?: Call,
  ): AsyncGenerator<z.output<S>, void, undefined> {
    const response = await this.#send(endpoint, 'application/x-ndjson', call)
    if (response.body === null) return
    let rest = ''
    try {
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + piece).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') yield parsed(endpoint, endpoint.answer.rows, line)
      }
    } catch (error) {
      throw error instanceof WhenceError ? error : brokenOff(endpoint, error)
    }
    if (rest !== '') yield parsed(endpoint, endpoint.answer.rows, rest)
  }

  async #send(endpoint: Endpoint, accept: string, { path = {}, query = {}, body }: Call = {}): Promise<Response> {
    const url = this.#url + filled(endpoint.path, path) + search(query)
    const headers: Record<string, string> = { accept, authorization: `Bearer ${this.#key}` }
    if (body) headers['content-type'] = body.type
    if (body?.encoding) headers['content-encoding'] = body.encoding
    const request: RequestInit = { method: endpoint.method, headers }
    const streamed = typeof body?.bytes === 'function' ? body.bytes : undefined
    if (body && !streamed) request.body = body.bytes as string | Uint8Array<ArrayBuffer> | Blob
    // A body that is a stream is sent as it comes; the platform wants that said.
    if (streamed) Object.assign(request, { duplex: 'half' })
    if (this.#signal) request.signal = this.#signal

    for (let attempt = 1; ; attempt++) {
      if (streamed) request.body = streamed()
      const response = await this.#fetch(url, request).catch((error: unknown) => {
        throw this.#signal?.aborted ? error : unreachable(this.#url, error)
      })
      if (response.ok) return response
      if (response.status !== 503 || attempt >= this.#tries) throw await refusal(endpoint, response)
      await response.body?.cancel()
      await this.#wait(pause(response.headers.get('retry-after'), attempt))
      this.#signal?.throwIfAborted()
    }
  }
}

/** `.` and `..` would be taken for steps between folders, even percent-encoded, and so reach another endpoint. */
function filled(path: string, values: Record<string, string | number>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name])
    if (value === '' || value === '.' || value === '..') {
      throw new WhenceError('usage', 0, `"${value}" cannot be a ${name}.`)
    }
    return encodeURIComponent(value)
  })
}

function search(query: Record<string, unknown>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

/** Retry-After holds seconds or a date; without one the wait doubles from 250 ms. */
function pause(retryAfter: string | null, attempt: number): number {
  if (retryAfter === null) return Math.min(longestWait, 125 * 2 ** attempt)
  const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now()
  return Math.min(longestWait, Math.max(0, asked || 0))
}

async function textOf(endpoint: Endpoint, response: Response): Promise<string> {
  return response.text().catch((error: unknown) => {
    throw brokenOff(endpoint, error)
  })
}

function parsed<S extends z.ZodType>(endpoint: Endpoint, schema: S, body: string): z.output<S> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw unexpected(endpoint, 200, `no JSON: ${body.slice(0, 200)}`, { cause })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw unexpected(endpoint, 200, z.prettifyError(result.error), { details: result.error.issues })
}

async function refusal(endpoint: Endpoint, response: Response): Promise<WhenceError> {
  const body = await textOf(endpoint, response)
  try {
    const { code, message, details } = z.object({ error: Problem }).parse(JSON.parse(body)).error
    return new WhenceError(code, response.status, message, { details })
  } catch (cause) {
    const said = body.trim().slice(0, 200) || response.statusText || 'nothing'
    return unexpected(endpoint, response.status, `status ${response.status}: ${said}`, { cause })
  }
}

function unexpected(
  { method, path }: Endpoint,
  status: number,
  what: string,
  options: { details?: unknown; cause?: unknown },
): WhenceError {
  const sentence = `${method} ${path} was not answered as this API answers; is it a Whence server of another version?`
  return new WhenceError('unexpected_answer', status, `${sentence} ${what}`, options)
}

function brokenOff({ method, path }: Endpoint, cause: unknown): WhenceError {
  return new WhenceError('unreachable', 0, `The answer to ${method} ${path} broke off; ask again.`, { cause })
}

function unreachable(url: string, cause: unknown): WhenceError {
  if (cause instanceof WhenceError) return cause
  const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : cause
  const sentence = `No answer from ${url} (${String(reason)}). Is the server running? What was sent may be sent again.`
  return new WhenceError('unreachable', 0, sentence, { cause })
}
