// OTLP in JSON: the proto3 mapping, but ids are hex (https://opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding").
// 64-bit integers come as text or as numbers, names in camelCase; what is not known is passed over.
import { readContent } from '../contracts/content.ts'
import { Allowance, broken, MOST_ATTRIBUTES, MOST_CONTAINERS, MOST_EVENTS, MOST_SPANS, tooMany } from './limits.ts'
import { bytesValue, doubleValue, integerValue, put } from './otlp-protobuf.ts'
import { arrivalOf, spanKinds } from './span.ts'
import type { Arrival, Attributes, RawSpan, SpanEvent, Value } from './span.ts'

type Json = Readonly<Record<string, unknown>>

/** Reads an ExportTraceServiceRequest. Throws `invalid`, or `too_large`. */
export function readOtlpJson(bytes: Uint8Array): Arrival[] {
  if (containers(bytes) > MOST_CONTAINERS) throw tooMany(`a request may hold ${MOST_CONTAINERS} objects and lists`)
  const { value, problems } = readContent(bytes)
  if (value === undefined) throw broken(problems[0]?.message ?? 'it is empty')
  const arrivals: Arrival[] = []
  for (const group of list(object(value, 'the body').resourceSpans, 'resourceSpans')) {
    const resource = readResource(object(group, 'a member of resourceSpans').resource)
    for (const scope of list((group as Json).scopeSpans, 'scopeSpans')) {
      for (const span of list(object(scope, 'a member of scopeSpans').spans, 'spans')) {
        if (arrivals.length === MOST_SPANS) throw tooMany(`a request may have ${MOST_SPANS} spans`)
        arrivals.push(arrivalOf(readSpan(object(span, 'a span'), resource)))
      }
    }
  }
  return arrivals
}

/** Objects and lists, counted before anything is made of them. */
function containers(bytes: Uint8Array): number {
  let count = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === 0x22) {
      while (++at < bytes.length && bytes[at] !== 0x22) if (bytes[at] === 0x5c) at++
    } else if (byte === 0x7b || byte === 0x5b) count++
  }
  return count
}

function readResource(given: unknown): Attributes {
  return given === undefined || given === null
    ? new Map<string, Value>()
    : readAttributes(object(given, 'a resource').attributes, new Allowance())
}

function readSpan(given: Json, resource: Attributes): RawSpan {
  const allowance = new Allowance()
  const attributes = readAttributes(given.attributes, allowance)
  const events: SpanEvent[] = []
  for (const event of list(given.events, 'events')) {
    const { name, attributes: own, droppedAttributesCount } = object(event, 'an event')
    if (events.length === MOST_EVENTS) allowance.lost++
    else events.push({ name: text(name), attributes: readAttributes(own, allowance) })
    allowance.lost += counted(droppedAttributesCount)
  }
  allowance.lost +=
    counted(given.droppedAttributesCount) + counted(given.droppedEventsCount) + counted(given.droppedLinksCount)
  return {
    traceId: id(given.traceId),
    spanId: id(given.spanId),
    parentId: id(given.parentSpanId),
    kind: enumeration(given.kind, kindNames),
    start: integer(given.startTimeUnixNano, 'startTimeUnixNano'),
    end: integer(given.endTimeUnixNano, 'endTimeUnixNano'),
    status:
      given.status === undefined || given.status === null
        ? 0
        : enumeration(object(given.status, 'a status').code, statusNames),
    attributes,
    events,
    resource,
    lost: allowance.lost,
  }
}

function readAttributes(given: unknown, allowance: Allowance): Attributes {
  const attributes = new Map<string, Value>()
  for (const attribute of list(given, 'attributes')) {
    const { key, value } = object(attribute, 'an attribute')
    const name = text(key)
    const read = readValue(value, 1, allowance)
    if (read === undefined || (attributes.size >= MOST_ATTRIBUTES && !attributes.has(name))) allowance.lost++
    else attributes.set(name, read)
  }
  return attributes
}

/** Undefined where it is nested too deep, or too much: then all of its attribute is left out. */
function readValue(given: unknown, depth: number, allowance: Allowance): Value | undefined {
  if (!allowance.admits(depth)) return undefined
  if (given === undefined || given === null) return null
  const value = object(given, 'a value')
  if (typeof value.stringValue === 'string') return value.stringValue.toWellFormed()
  if (typeof value.boolValue === 'boolean') return value.boolValue
  // Some senders write whatever has no fraction as an integer.
  if (typeof value.intValue === 'number' && Math.abs(value.intValue) >= 2 ** 63) return doubleValue(value.intValue)
  if (value.intValue !== undefined) return integerValue(integer(value.intValue, 'intValue'))
  if (value.doubleValue !== undefined) return double(value.doubleValue)
  if (typeof value.bytesValue === 'string') return bytesValue(Buffer.from(value.bytesValue, 'base64'))
  if (value.arrayValue !== undefined) return readList(object(value.arrayValue, 'an arrayValue'), depth, allowance)
  if (value.kvlistValue !== undefined) return readMap(object(value.kvlistValue, 'a kvlistValue'), depth, allowance)
  return null
}

function readList(given: Json, depth: number, allowance: Allowance): Value | undefined {
  const read: Value[] = []
  for (const item of list(given.values, 'values')) {
    const value = readValue(item, depth + 1, allowance)
    if (value === undefined) return undefined
    read.push(value)
  }
  return read
}

function readMap(given: Json, depth: number, allowance: Allowance): Value | undefined {
  const map: Record<string, Value> = {}
  for (const pair of list(given.values, 'values')) {
    const { key, value } = object(pair, 'a member of a kvlistValue')
    const read = readValue(value, depth + 1, allowance)
    if (read === undefined) return undefined
    put(map, text(key), read)
  }
  return map
}

const kindNames = spanKinds.map((kind) => `SPAN_KIND_${kind.toUpperCase()}`)
const statusNames = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']

/** Numbers are the specification's; names are what some senders write. */
function enumeration(given: unknown, names: readonly string[]): number {
  if (typeof given === 'number') return given
  return typeof given === 'string' ? Math.max(0, names.indexOf(given)) : 0
}

function integer(given: unknown, what: string): bigint {
  if (given === undefined || given === null) return 0n
  if (typeof given === 'number' && Number.isInteger(given)) return BigInt(given)
  if (typeof given === 'string' && /^-?\d{1,20}$/.test(given)) return BigInt(given)
  throw broken(`${what} is no integer`)
}

function double(given: unknown): Value {
  if (typeof given === 'number') return given
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : Number.NaN
  if (Number.isNaN(number) && given !== 'NaN') throw broken('doubleValue is no number')
  return doubleValue(number)
}

function counted(given: unknown): number {
  return typeof given === 'number' && Number.isInteger(given) && given > 0 ? Math.min(given, 2 ** 32 - 1) : 0
}

function id(given: unknown): string {
  if (given === undefined || given === null) return ''
  // Beyond the longest id nothing is an id; it is refused by its length.
  return typeof given === 'string' ? given.slice(0, 64).toLowerCase() : 'none'
}

function text(given: unknown): string {
  return typeof given === 'string' ? given.toWellFormed() : ''
}

function list(given: unknown, what: string): readonly unknown[] {
  if (given === undefined || given === null) return []
  if (Array.isArray(given)) return given
  throw broken(`${what} is no list`)
}

function object(given: unknown, what: string): Json {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Json
  throw broken(`${what} is no object`)
}
