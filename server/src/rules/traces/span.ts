// A span as OTLP carries it (opentelemetry-proto, trace/v1), as far as we read it: no name, no trace state, no links. What
// is not read cannot be kept.
import type { Micros } from '../../record/time.ts'

/** A value of an attribute. Integers beyond 2^53 are text, bytes a map with their base64. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value }
export type Attributes = ReadonlyMap<string, Value>

export interface SpanEvent {
  readonly name: string
  readonly attributes: Attributes
}

export interface OtlpSpan {
  /** 32 and 16 hex digits. */
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly kind: SpanKind
  readonly start: Micros
  readonly end: Micros
  readonly status: 'unset' | 'ok' | 'error'
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  /** Of what made the span. */
  readonly resource: Attributes
  /** Attributes, events and links that its maker has dropped, and attributes and events beyond our limits. */
  readonly lost: number
}

export const spanKinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const
export type SpanKind = (typeof spanKinds)[number]

/** A span, or why this one is not taken. */
export type Arrival = { readonly span: OtlpSpan } | { readonly refused: string }

/** As it stands on the wire. Times are nanoseconds since 1970. */
export interface RawSpan {
  traceId: string
  spanId: string
  parentId: string
  kind: number
  start: bigint
  end: bigint
  status: number
  attributes: Attributes
  events: readonly SpanEvent[]
  resource: Attributes
  lost: number
}

/** 2255: times are microseconds in a safe integer. */
const LATEST = 9_000_000_000_000_000_000n

/** Holds a span to what OTLP demands of one. No reason quotes it. */
export function arrivalOf(raw: RawSpan): Arrival {
  const { traceId, spanId, parentId } = raw
  if (!isId(traceId, 32)) return { refused: 'its trace id is not 16 bytes, of which one is not zero' }
  if (!isId(spanId, 16)) return { refused: 'its span id is not 8 bytes, of which one is not zero' }
  if (parentId !== '' && !/^[0-9a-f]{16}$/.test(parentId)) return { refused: 'the id of its parent is not 8 bytes' }
  // Ids stand in clear, and are random by the specification: sixteen bytes of text would be somebody's name.
  if (isText(traceId)) return { refused: 'its trace id is text, where random bytes belong' }
  if (raw.start <= 0n || raw.start > LATEST) return { refused: 'it does not say when it began' }
  const start = Number(raw.start / 1000n)
  return {
    span: {
      traceId,
      spanId,
      parentId: /^0*$/.test(parentId) ? undefined : parentId,
      kind: spanKinds[raw.kind] ?? 'unspecified',
      start,
      end: raw.end >= raw.start && raw.end <= LATEST ? Number(raw.end / 1000n) : start,
      status: raw.status === 2 ? 'error' : raw.status === 1 ? 'ok' : 'unset',
      attributes: raw.attributes,
      events: raw.events,
      resource: raw.resource,
      lost: raw.lost,
    },
  }
}

function isId(text: string, digits: number): boolean {
  return text.length === digits && /^[0-9a-f]+$/.test(text) && /[^0]/.test(text)
}

/** One in ten million random ids is; its span is refused with the others. */
function isText(hex: string): boolean {
  return Buffer.from(hex, 'hex').every((byte) => byte >= 0x20 && byte < 0x7f)
}
