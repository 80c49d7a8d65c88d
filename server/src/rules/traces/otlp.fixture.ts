// For tests: an export request in its JSON form, written as protocol buffers, field by field as the .proto files number
// them.
export interface JsonValue {
  stringValue?: string
  boolValue?: boolean
  intValue?: string | number
  doubleValue?: number
  bytesValue?: string
  arrayValue?: { values: JsonValue[] }
  kvlistValue?: { values: JsonPair[] }
}
export interface JsonPair {
  key: string
  value?: JsonValue
}
export interface JsonSpan {
  traceId: string
  spanId: string
  traceState?: string
  parentSpanId?: string
  name?: string
  kind?: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes?: JsonPair[]
  droppedAttributesCount?: number
  events?: { timeUnixNano?: string; name?: string; attributes?: JsonPair[]; droppedAttributesCount?: number }[]
  droppedEventsCount?: number
  links?: { traceId: string; spanId: string; traceState?: string; attributes?: JsonPair[] }[]
  droppedLinksCount?: number
  status?: { message?: string; code?: number }
}
export interface JsonRequest {
  resourceSpans: {
    resource?: { attributes?: JsonPair[] }
    scopeSpans: {
      scope?: { name?: string; version?: string; attributes?: JsonPair[] }
      spans: JsonSpan[]
      schemaUrl?: string
    }[]
    schemaUrl?: string
  }[]
}

export function encodeRequest({ resourceSpans }: JsonRequest): Buffer {
  return Buffer.concat(
    resourceSpans.map(({ resource, scopeSpans, schemaUrl }) =>
      message(
        1,
        resource ? message(1, pairs(1, resource.attributes)) : nothing,
        ...scopeSpans.map(({ scope, spans, schemaUrl: own }) =>
          message(
            2,
            scope ? message(1, text(1, scope.name), text(2, scope.version), pairs(3, scope.attributes)) : nothing,
            ...spans.map((span) => message(2, encodeSpan(span))),
            text(3, own),
          ),
        ),
        text(3, schemaUrl),
      ),
    ),
  )
}

function encodeSpan(span: JsonSpan): Buffer {
  return Buffer.concat([
    hex(1, span.traceId),
    hex(2, span.spanId),
    text(3, span.traceState),
    hex(4, span.parentSpanId),
    text(5, span.name),
    integer(6, span.kind),
    fixed64(7, span.startTimeUnixNano),
    fixed64(8, span.endTimeUnixNano),
    pairs(9, span.attributes),
    integer(10, span.droppedAttributesCount),
    ...(span.events ?? []).map((event) =>
      message(
        11,
        fixed64(1, event.timeUnixNano),
        text(2, event.name),
        pairs(3, event.attributes),
        integer(4, event.droppedAttributesCount),
      ),
    ),
    integer(12, span.droppedEventsCount),
    ...(span.links ?? []).map((link) =>
      message(13, hex(1, link.traceId), hex(2, link.spanId), text(3, link.traceState), pairs(4, link.attributes)),
    ),
    integer(14, span.droppedLinksCount),
    span.status ? message(15, text(2, span.status.message), integer(3, span.status.code)) : nothing,
  ])
}

function pairs(field: number, list: JsonPair[] = []): Buffer {
  return Buffer.concat(
    list.map(({ key, value }) => message(field, text(1, key), value ? message(2, encodeValue(value)) : nothing)),
  )
}

function encodeValue(value: JsonValue): Buffer {
  if (value.stringValue !== undefined) return bytes(1, Buffer.from(value.stringValue))
  if (value.boolValue !== undefined) return Buffer.concat([tag(2, 0), varint(value.boolValue ? 1n : 0n)])
  if (value.intValue !== undefined)
    return Buffer.concat([tag(3, 0), varint(BigInt.asUintN(64, BigInt(value.intValue)))])
  if (value.doubleValue !== undefined) {
    const double = Buffer.alloc(8)
    double.writeDoubleLE(value.doubleValue)
    return Buffer.concat([tag(4, 1), double])
  }
  if (value.arrayValue) return message(5, ...value.arrayValue.values.map((item) => message(1, encodeValue(item))))
  if (value.kvlistValue) return message(6, pairs(1, value.kvlistValue.values))
  return value.bytesValue === undefined ? nothing : bytes(7, Buffer.from(value.bytesValue, 'base64'))
}

const nothing = Buffer.alloc(0)

export function message(field: number, ...parts: Buffer[]): Buffer {
  return bytes(field, Buffer.concat(parts))
}

export function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([tag(field, 2), varint(BigInt(content.length)), content])
}

function text(field: number, content: string | undefined): Buffer {
  return content === undefined ? nothing : bytes(field, Buffer.from(content))
}

function hex(field: number, content: string | undefined): Buffer {
  return content === undefined ? nothing : bytes(field, Buffer.from(content, 'hex'))
}

function integer(field: number, value: number | undefined): Buffer {
  return value === undefined ? nothing : Buffer.concat([tag(field, 0), varint(BigInt(value))])
}

function fixed64(field: number, value: string | undefined): Buffer {
  if (value === undefined) return nothing
  const fixed = Buffer.alloc(8)
  fixed.writeBigUInt64LE(BigInt(value))
  return Buffer.concat([tag(field, 1), fixed])
}

function tag(field: number, wire: number): Buffer {
  return varint(BigInt(field * 8 + wire))
}

export function varint(value: bigint): Buffer {
  const out: number[] = []
  for (; value > 0x7fn; value >>= 7n) out.push(Number(value & 0x7fn) | 0x80)
  return Buffer.from([...out, Number(value)])
}
