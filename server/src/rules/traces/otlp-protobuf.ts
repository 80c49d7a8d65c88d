// OTLP in protocol buffers: collector/trace/v1/trace_service.proto, trace/v1/trace.proto, common/v1/common.proto and
// resource/v1/resource.proto of opentelemetry-proto 1.x. Fields that we do not read are passed over.
import { WireReader } from '../files/wire.ts'
import { Allowance, broken, MOST_ATTRIBUTES, MOST_EVENTS, MOST_SPANS, tooMany } from './limits.ts'
import { arrivalOf } from './span.ts'
import type { Arrival, Attributes, RawSpan, SpanEvent, Value } from './span.ts'

type Read = (field: number, reader: WireReader) => boolean

/** Reads an ExportTraceServiceRequest. Throws `invalid`, or `too_large`. */
export function readOtlpProtobuf(bytes: Uint8Array): Arrival[] {
  const arrivals: Arrival[] = []
  each(bytes, (field, reader) => field === 1 && readResourceSpans(reader.bytes(), arrivals))
  return arrivals
}

/** Hands over every field; one that is not taken is passed over. */
function each(bytes: Uint8Array, read: Read): void {
  const reader = new WireReader(bytes, broken)
  while (!reader.atEnd) if (!read(reader.field(), reader)) reader.value()
}

function readResourceSpans(bytes: Uint8Array, arrivals: Arrival[]): true {
  let resource: Attributes = new Map()
  const scopes: Uint8Array[] = []
  each(bytes, (field, reader) => {
    if (field === 1) resource = readResource(reader.bytes())
    else if (field === 2) scopes.push(reader.bytes())
    else return false
    return true
  })
  for (const scope of scopes) {
    each(scope, (field, reader) => {
      if (field !== 2) return false
      if (arrivals.length === MOST_SPANS) throw tooMany(`a request may have ${MOST_SPANS} spans`)
      arrivals.push(arrivalOf(readSpan(reader.bytes(), resource)))
      return true
    })
  }
  return true
}

function readResource(bytes: Uint8Array): Attributes {
  const attributes = new Map<string, Value>()
  const allowance = new Allowance()
  each(bytes, (field, reader) => field === 1 && readAttribute(reader.bytes(), attributes, allowance))
  return attributes
}

function readSpan(bytes: Uint8Array, resource: Attributes): RawSpan {
  const attributes = new Map<string, Value>()
  const events: SpanEvent[] = []
  const allowance = new Allowance()
  const span = { traceId: '', spanId: '', parentId: '', kind: 0, start: 0n, end: 0n, status: 0 }
  each(bytes, (field, reader) => {
    if (field === 1) span.traceId = hex(reader.bytes())
    else if (field === 2) span.spanId = hex(reader.bytes())
    else if (field === 4) span.parentId = hex(reader.bytes())
    else if (field === 6) span.kind = Number(reader.integer())
    else if (field === 7) span.start = reader.fixed64()
    else if (field === 8) span.end = reader.fixed64()
    else if (field === 9) readAttribute(reader.bytes(), attributes, allowance)
    else if (field === 11) {
      const event = reader.bytes()
      if (events.length < MOST_EVENTS) events.push(readEvent(event, allowance))
      else allowance.lost++
    } else if (field === 10 || field === 12 || field === 14) allowance.lost += counted(reader.integer())
    else if (field === 15) span.status = readStatus(reader.bytes())
    else return false
    return true
  })
  return { ...span, attributes, events, resource, lost: allowance.lost }
}

function readEvent(bytes: Uint8Array, allowance: Allowance): SpanEvent {
  const attributes = new Map<string, Value>()
  let name = ''
  each(bytes, (field, reader) => {
    if (field === 2) name = reader.text()
    else if (field === 3) readAttribute(reader.bytes(), attributes, allowance)
    else if (field === 4) allowance.lost += counted(reader.integer())
    else return false
    return true
  })
  return { name, attributes }
}

/** Its message is not read: it is whatever an exception said. */
function readStatus(bytes: Uint8Array): number {
  let code = 0
  each(bytes, (field, reader) => {
    if (field !== 3) return false
    code = Number(reader.integer())
    return true
  })
  return code
}

/** Reads a KeyValue into `attributes`, where there is still room for it. */
function readAttribute(bytes: Uint8Array, attributes: Map<string, Value>, allowance: Allowance): true {
  const { name, value } = readPair(bytes, 0, allowance)
  if (value === undefined || (attributes.size >= MOST_ATTRIBUTES && !attributes.has(name))) allowance.lost++
  else attributes.set(name, value)
  return true
}

function readPair(bytes: Uint8Array, depth: number, allowance: Allowance): { name: string; value: Value | undefined } {
  let name = ''
  let value: Value | undefined = null
  each(bytes, (field, reader) => {
    if (field === 1) name = reader.text()
    else if (field === 2) value = readValue(reader.bytes(), depth + 1, allowance)
    else return false
    return true
  })
  return { name, value }
}

/** Undefined where it is nested too deep, or too much: then all of its attribute is left out. */
function readValue(bytes: Uint8Array, depth: number, allowance: Allowance): Value | undefined {
  if (!allowance.admits(depth)) return undefined
  let value: Value | undefined = null
  each(bytes, (field, reader) => {
    if (field === 1) value = reader.text()
    else if (field === 2) value = reader.integer() !== 0n
    else if (field === 3) value = integerValue(reader.integer())
    else if (field === 4) value = doubleValue(reader.double())
    else if (field === 5) value = readList(reader.bytes(), depth, allowance)
    else if (field === 6) value = readMap(reader.bytes(), depth, allowance)
    else if (field === 7) value = bytesValue(Buffer.from(reader.bytes()))
    else return false
    return true
  })
  return value
}

function readList(bytes: Uint8Array, depth: number, allowance: Allowance): Value | undefined {
  const list: Value[] = []
  let whole = true
  each(bytes, (field, reader) => {
    if (field !== 1) return false
    const value = whole ? readValue(reader.bytes(), depth + 1, allowance) : (reader.bytes(), undefined)
    if (value === undefined) whole = false
    else list.push(value)
    return true
  })
  return whole ? list : undefined
}

function readMap(bytes: Uint8Array, depth: number, allowance: Allowance): Value | undefined {
  const map: Record<string, Value> = {}
  let whole = true
  each(bytes, (field, reader) => {
    if (field !== 1) return false
    const pair = reader.bytes()
    const { name, value } = whole ? readPair(pair, depth, allowance) : { name: '', value: undefined }
    if (value === undefined) whole = false
    else put(map, name, value)
    return true
  })
  return whole ? map : undefined
}

/** Sets a member of whatever name: `__proto__` too. */
export function put(map: Record<string, Value>, name: string, value: Value): void {
  Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Exact, as a number where it can be. */
export function integerValue(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** Bytes are no text: nothing that asks for one gets them. */
export function bytesValue(bytes: Buffer): Value {
  return { bytes: bytes.toString('base64') }
}

/** JSON has no word for what is no number. */
export function doubleValue(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

function counted(count: bigint): number {
  return Number(BigInt.asUintN(32, count))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
