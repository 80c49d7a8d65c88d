// Avro object container files, as the manifests of Iceberg are: a header with the schema, one block, no compression.
//
// The library encodes values and reads them back; the container is framed here, for two reasons: its own writer drops the
// schema's `field-id`, by which Iceberg knows a field, and its longs end at 2^53, where snapshot ids do not.
import avro from 'avsc'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'

const MAGIC = Buffer.from('Obj\x01', 'latin1')
const SYNC_BYTES = 16

/** Longs as bigint, all 64 bits of them. */
const long = avro.types.LongType.__with(
  {
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(value)
      return bytes
    },
    fromJSON: BigInt,
    toJSON: String,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
  },
  false,
)

const header = avro.Type.forSchema({
  type: 'record',
  name: 'org.apache.avro.file.Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: MAGIC.length } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: SYNC_BYTES } },
  ],
})
const blockHead = avro.Type.forSchema({
  type: 'record',
  name: 'BlockHead',
  fields: [
    { name: 'count', type: 'long' },
    { name: 'bytes', type: 'long' },
  ],
})

/** Whatever Avro takes for a schema, with the attributes that Iceberg adds. */
export type AvroSchema = Readonly<Record<string, unknown>>

/** The bytes of a container; equal rows give equal bytes. Longs are bigint. */
export function writeAvro(
  schema: AvroSchema,
  metadata: Readonly<Record<string, string>>,
  rows: readonly object[],
): Buffer {
  const type = typeOf(JSON.stringify(schema))
  const data = Buffer.concat(rows.map((row) => type.toBuffer(row)))
  const meta = { 'avro.schema': JSON.stringify(schema), 'avro.codec': 'null', ...metadata }
  const sync = hash('sha256', Buffer.concat([Buffer.from(JSON.stringify(meta)), data]), 'buffer').subarray(
    0,
    SYNC_BYTES,
  )
  const head = header.toBuffer({
    magic: MAGIC,
    meta: Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, Buffer.from(value)])),
    sync,
  })
  if (rows.length === 0) return head
  return Buffer.concat([head, blockHead.toBuffer({ count: rows.length, bytes: data.length }), data, sync])
}

/** Reads a container that `writeAvro` wrote. Throws `altered`. */
export function readAvro(bytes: Uint8Array): { metadata: Record<string, string>; rows: unknown[] } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const read = (type: avro.Type, at: number): { value: unknown; offset: number } => {
      const found = type.decode(buffer, at)
      if (found.offset < 0) throw new Error('it is cut off')
      return found
    }
    const { value: head, offset } = read(header, 0)
    const value = head as { magic: Buffer; meta: Record<string, Buffer>; sync: Buffer }
    if (!value.magic.equals(MAGIC)) throw new Error('it does not begin like one')
    const metadata = Object.fromEntries(Object.entries(value.meta).map(([key, text]) => [key, text.toString('utf8')]))
    const type = typeOf(metadata['avro.schema'] ?? '')
    const rows: unknown[] = []
    let at = offset
    while (at < buffer.length) {
      const { value: said, offset: start } = read(blockHead, at)
      const block = said as { count: number; bytes: number }
      at = start
      for (let row = 0; row < block.count; row++) {
        const next = read(type, at)
        rows.push(next.value)
        at = next.offset
      }
      if (at !== start + block.bytes || !buffer.subarray(at, at + SYNC_BYTES).equals(value.sync))
        throw new Error('a block of it does not end where it says')
      at += SYNC_BYTES
    }
    return { metadata, rows }
  } catch (cause) {
    throw new Fault('altered', `no Avro container: ${(cause as Error).message}`, { cause })
  }
}

/** Types by their schema's text: to make one is more work than to use it. Tables have few. */
const types = new Map<string, avro.Type>()
const TYPES = 100

function typeOf(schema: string): avro.Type {
  let type = types.get(schema)
  if (!type) {
    type = avro.Type.forSchema(JSON.parse(schema) as never, { registry: { long }, omitRecordMethods: true })
    if (types.size >= TYPES) types.clear()
    types.set(schema, type)
  }
  return type
}
