// OTLP over HTTP, as OpenTelemetry's exporters speak it: POST /v1/traces in protocol buffers or JSON. Answers and refusals
// come in the encoding of the request, as https://opentelemetry.io/docs/specs/otlp demands.
import type { Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Duplex } from 'node:stream'
import { Fault } from '../fault.ts'
import type { FaultCode } from '../fault.ts'
import type { TraceResult } from '../path/actions/tally.ts'
import type { Caller } from '../rules/access/access.ts'
import { MOST_BYTES, tooMany } from '../rules/traces/limits.ts'
import { readOtlpJson } from '../rules/traces/otlp-json.ts'
import { readOtlpProtobuf } from '../rules/traces/otlp-protobuf.ts'
import type { Arrival } from '../rules/traces/span.ts'
import { bodyStream } from './body.ts'
import type { Env } from './body.ts'

/** Who takes spans. */
export interface TraceDoor {
  receive(arrivals: readonly Arrival[], caller: Caller): Promise<TraceResult>
}

type Encoding = 'json' | 'protobuf'

const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/x-protobuf'
const NOT_GRPC = 'this address speaks OTLP over HTTP, not gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf'

/** `admit` lets a caller in who may send, or throws. */
export function otlpRoutes(app: Hono<Env>, traces: TraceDoor, admit: (c: Context<Env>) => Promise<Caller>): void {
  app.post('/v1/traces', async (c) => {
    const type = (c.req.header('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
    const encoding = type === JSON_TYPE ? 'json' : type === PROTOBUF_TYPE ? 'protobuf' : undefined
    try {
      const caller = await admit(c)
      if (encoding === undefined) return unsupported(c, type)
      const bytes = await readWhole(c)
      const arrivals = encoding === 'json' ? readOtlpJson(bytes) : readOtlpProtobuf(bytes)
      return accepted(c, encoding, await traces.receive(arrivals, caller))
    } catch (error) {
      return refuse(c, encoding ?? 'json', error)
    }
  })
  app.post('/opentelemetry.proto.collector.trace.v1.TraceService/Export', async (c) => {
    try {
      await admit(c)
      return unsupported(c, 'application/grpc')
    } catch (error) {
      return refuse(c, 'json', error)
    }
  })
}

/** Answers what is no HTTP/1.1 as Node does by itself; but whoever begins with HTTP/2, as gRPC does, is told what to speak. */
export function notHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const why = error.code === 'HPE_PAUSED_H2_UPGRADE' ? `${NOT_GRPC}\n` : ''
  const line =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  const head = `HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${why.length}`
  socket.end(`${head}\r\n\r\n${why}`)
}

async function readWhole(c: Context<Env>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of bodyStream(c)) {
    length += chunk.length
    if (length > MOST_BYTES) throw tooMany(`a request may have ${MOST_BYTES / 1024 / 1024} MiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** ExportTraceServiceResponse: a partial success where something was refused, or is to be remarked. */
function accepted(c: Context<Env>, encoding: Encoding, { refused, message }: TraceResult): Response {
  if (encoding === 'json')
    return c.json(message === '' ? {} : { partialSuccess: { rejectedSpans: String(refused), errorMessage: message } })
  const partial = Buffer.concat([refused > 0 ? varintField(1, refused) : Buffer.alloc(0), textField(2, message)])
  return protobuf(c, 200, message === '' ? Buffer.alloc(0) : lengthField(1, partial))
}

function unsupported(c: Context<Env>, type: string): Response {
  const why = type.startsWith('application/grpc')
    ? NOT_GRPC
    : `spans come as ${PROTOBUF_TYPE} or ${JSON_TYPE}: say in Content-Type which`
  return status(c, 'json', 415, 3, why)
}

/** The codes of google.rpc.Status. */
const RPC: Partial<Record<FaultCode, number>> = {
  invalid: 3,
  usage: 3,
  not_found: 5,
  forbidden: 7,
  too_large: 8,
  unauthorized: 16,
  overloaded: 14,
  unavailable: 14,
  disk_full: 14,
}

function refuse(c: Context<Env>, encoding: Encoding, error: unknown): Response {
  const fault = Fault.from(error)
  if (fault.code === 'internal') console.error('whence: POST /v1/traces failed:', fault.cause ?? fault)
  const message = fault.code === 'internal' ? 'something went wrong here; the server’s log says what' : fault.message
  // An exporter gives up on 507, though it may succeed later: of the 5xx it tries again after 502, 503 and 504 only.
  return status(c, encoding, fault.code === 'disk_full' ? 503 : fault.status, RPC[fault.code] ?? 13, message)
}

/** google.rpc.Status, as the specification demands of every refusal. */
function status(c: Context<Env>, encoding: Encoding, http: number, code: number, message: string): Response {
  const headers: Record<string, string> = {}
  if (http === 503) headers['retry-after'] = '1'
  // Of a body that is too large the rest was not read: nothing can follow on this connection.
  if (http === 413) headers.connection = 'close'
  if (http === 401) headers['www-authenticate'] = 'Bearer'
  if (encoding === 'json') return c.json({ code, message }, http as ContentfulStatusCode, headers)
  return protobuf(c, http, Buffer.concat([varintField(1, code), textField(2, message)]), headers)
}

function protobuf(c: Context<Env>, http: number, body: Buffer, headers: Record<string, string> = {}): Response {
  return c.body(body as Uint8Array<ArrayBuffer>, http as ContentfulStatusCode, {
    ...headers,
    'content-type': PROTOBUF_TYPE,
  })
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([field << 3]), varint(value)])
}

function textField(field: number, text: string): Buffer {
  return lengthField(field, Buffer.from(text))
}

function lengthField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  return Buffer.from([...bytes, value])
}
