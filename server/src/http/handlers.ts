// The shape of a handler: what a call gives, and what it may answer. The list of calls is the SDK's.
import type { Endpoint, endpoints } from '@whence/sdk'
import type { z } from 'zod'
import type { Caller } from '../rules/access/access.ts'

export type Endpoints = typeof endpoints
export type EndpointName = keyof Endpoints

type Query<E extends Endpoint> = E extends { query: infer S extends z.ZodType } ? z.output<S> : undefined
type Body<E extends Endpoint> = E extends { body: 'bytes' }
  ? AsyncIterable<Uint8Array>
  : E extends { body: 'events' }
    ? { stream: AsyncIterable<Uint8Array>; format: 'json' | 'ndjson' }
    : E extends { body: 'rows' }
      ? { stream: AsyncIterable<Uint8Array>; format: 'ndjson' | 'parquet' }
      : E extends { body: infer S extends z.ZodType }
        ? z.output<S>
        : undefined
type Result<E extends Endpoint> = E extends { answer: { json: infer S extends z.ZodType } }
  ? z.input<S>
  : E extends { answer: { rows: infer S extends z.ZodType } }
    ? AsyncIterable<z.input<S>[]>
    : E extends { answer: { stream: string } }
      ? { type: string; pieces: AsyncIterable<string | Uint8Array> }
      : string

export interface Call<E extends Endpoint> {
  caller: Caller
  path: Record<string, string>
  query: Query<E>
  body: Body<E>
  /** Scheme and host as the caller sees them: `http://127.0.0.1:4600`. */
  base: string
}

export type Handlers = { [Name in EndpointName]: (call: Call<Endpoints[Name]>) => Promise<Result<Endpoints[Name]>> }
