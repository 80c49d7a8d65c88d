// What a request carries, read at the door: un-gzipped while it comes in, bounded, and of text that every part of the
// server can hold.
import type { HttpBindings } from '@hono/node-server'
import type { Endpoint } from '@whence/sdk'
import type { Context } from 'hono'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ZodError } from 'zod'
import type { z } from 'zod'
import { Fault } from '../fault.ts'
import { readContent } from '../rules/contracts/content.ts'

export type Env = { Bindings: HttpBindings }

const MAX_BODY_BYTES = 64 * 1024 * 1024

/** Parquet files go under these. */
const PARQUET = new Set(['application/vnd.apache.parquet', 'application/x-parquet', 'application/octet-stream'])

/** Whoever walks a body by recursion must never run out of stack; canonical JSON ends at 500. */
const DEEPEST = 256

/** The values in the path of the address. */
export function readPath(c: Context<Env>): Record<string, string> {
  const path = c.req.param() as Record<string, string>
  for (const [name, value] of Object.entries(path)) refuseText(value, `the ${name} in the address`)
  return path
}

/** The query, each of its parameters given once. */
export function readQuery<S extends z.ZodType>(c: Context<Env>, schema: S): z.output<S> {
  const given = new Map<string, string>()
  for (const [name, value] of new URL(c.req.url).searchParams) {
    refuseText(value, `/${name}`)
    if (given.has(name)) throw new Fault('invalid', `/${name} is given twice in the query: which of them holds?`)
    if (value === '') throw new Fault('invalid', `/${name} is empty in the query: give it a value, or leave it out`)
    given.set(name, value)
  }
  return parse(schema, Object.fromEntries(given), 'query')
}

export async function readBody(c: Context<Env>, endpoint: Endpoint): Promise<unknown> {
  if (endpoint.body === undefined) return undefined
  if (endpoint.body === 'bytes') return bodyStream(c)
  const type = (c.req.header('content-type') ?? 'application/json').split(';', 1)[0]!.trim().toLowerCase()
  const ndjson = type === 'application/x-ndjson' || type === 'application/ndjson' || type === 'application/jsonl'
  if (endpoint.body === 'rows') {
    if (ndjson || PARQUET.has(type)) return { stream: bodyStream(c), format: ndjson ? 'ndjson' : 'parquet' }
    throw new Fault('invalid', `the body is ${type}: send application/x-ndjson or application/vnd.apache.parquet`)
  }
  if (type !== 'application/json' && !(ndjson && endpoint.body === 'events')) {
    throw new Fault(
      'invalid',
      `the body is ${type}: send application/json${endpoint.body === 'events' ? ' or application/x-ndjson' : ''}`,
    )
  }
  const stream = bodyStream(c)
  if (endpoint.body === 'events') return { stream, format: ndjson ? 'ndjson' : 'json' }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new Fault('too_large', 'the body has more than 64 MiB: divide it')
    chunks.push(chunk)
  }
  const { value, problems } = readContent(Buffer.concat(chunks))
  if (value === undefined) throw new Fault('invalid', `the body is not JSON: ${problems[0]?.message}`)
  const repeated = problems.find(({ rule }) => rule === 'json.key')
  if (repeated) throw new Fault('invalid', `the body is in doubt at ${repeated.path}: ${repeated.message}`)
  refuseValue(value)
  return parse(endpoint.body, value, 'body')
}

/** The body as it comes, un-gzipped. */
export async function* bodyStream(c: Context<Env>): AsyncGenerator<Uint8Array> {
  const incoming = c.env.incoming as Readable | undefined
  const encoding = (c.req.header('content-encoding') ?? 'identity').toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Fault('invalid', `content-encoding ${encoding} is not known: send gzip, or none`)
  const raw = incoming ?? Readable.from(c.req.raw.body ?? [])
  const zipped = encoding === 'gzip'
  const gunzip = createGunzip()
  if (zipped) {
    raw.on('error', (error) => gunzip.destroy(error))
    raw.pipe(gunzip)
  }
  try {
    // Left before its end, a request is not destroyed: its caller is still to be told why.
    yield* (zipped ? gunzip : raw.iterator({ destroyOnReturn: false })) as AsyncIterable<Uint8Array>
  } catch (cause) {
    const why = zipped ? 'is not gzip, or is cut off' : 'is cut off'
    throw new Fault('invalid', `the body ${why}: ${(cause as Error).message}`, { cause })
  }
}

/** Tables hold no NUL and UTF-8 no half of a character: a record with one could not be followed. */
function refuseText(text: string, where: string): void {
  if (text.includes('\0')) throw new Fault('invalid', `${where} holds a NUL character: leave it out`)
  if (!text.isWellFormed()) throw new Fault('invalid', `${where} holds half a character (a lone surrogate)`)
}

/** A container in a body, and how one comes to it. */
interface Step {
  value: object
  key: string
  depth: number
  from: Step | undefined
}

/** Refuses a body of which some text, wherever it stands, cannot be held, or that is nested too deep. */
function refuseValue(body: unknown): void {
  const waiting: Step[] = []
  const look = (value: unknown, key: string, from: Step | undefined): void => {
    if (typeof value === 'string') {
      if (value.includes('\0') || !value.isWellFormed()) refuseText(value, `the body at ${pathOf(key, from)}`)
    } else if (typeof value === 'object' && value !== null) {
      const depth = (from?.depth ?? 0) + 1
      if (depth > DEEPEST) throw new Fault('invalid', `the body is nested more than ${DEEPEST} levels deep`)
      waiting.push({ value, key, depth, from })
    }
  }
  look(body, '', undefined)
  for (let step = waiting.pop(); step; step = waiting.pop()) {
    for (const [key, value] of Object.entries(step.value)) {
      if (!Array.isArray(step.value)) refuseKey(key)
      look(value, key, step)
    }
  }
}

/** Maps of names are read into objects, which have no place for this one: it would be lost without a word. */
function refuseKey(key: string): void {
  if (key === '__proto__') throw new Fault('invalid', 'a key of the body is __proto__: give it another name')
  refuseText(key, 'a key of the body')
}

function pathOf(key: string, from: Step | undefined): string {
  return from ? `${pathOf(from.key, from.from)}/${key}`.replace(/^\/+/, '/') : ''
}

function parse<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw parsed.error instanceof ZodError ? described(parsed.error, what) : parsed.error
}

function described(error: ZodError, what: string): Fault {
  const lines = error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.length > 0 ? `/${issue.path.join('/')}` : what}: ${issue.message}`)
  return new Fault('invalid', `the ${what} is not as it should be. ${lines.join('; ')}`)
}
