// How files are divided: identity of a column, day of a time, bucket of a hash (spec, "Partitioning").
import { Fault } from '../../fault.ts'
import type { AvroSchema } from './avro.ts'
import { boundOf } from './bounds.ts'
import type { Plainly } from './bounds.ts'
import { murmur3 } from './murmur3.ts'
import type { IcebergType, Schema } from './schema.ts'

export type Transform = 'identity' | 'day' | `bucket[${number}]`

/** What the caller says: `{ column: 'time', transform: 'day' }`. */
export interface PartitionColumn {
  column: string
  transform: Transform
}

export interface PartitionField {
  'source-id': number
  'field-id': number
  name: string
  transform: Transform
}

export interface PartitionSpec {
  'spec-id': number
  fields: readonly PartitionField[]
}

/** A file's value of a partition field: a day `2026-03-20`, a bucket's number, the column's own value, or null. */
export type PartitionValue = string | number | bigint | boolean | null

const FIRST_ID = 1000

export function partitionSpec(schema: Schema, columns: readonly PartitionColumn[]): PartitionSpec {
  return {
    'spec-id': 0,
    fields: columns.map(({ column, transform }, at): PartitionField => {
      const field = schema.fields.find(({ name }) => name === column)
      if (!field) throw new Fault('invalid', `the table is to be divided by ${column}, which it has not`)
      if (resultType(field.type, transform) === undefined)
        throw new Fault('invalid', `a column of type ${field.type} is not divided by ${transform}`)
      const suffix = transform === 'identity' ? '' : transform === 'day' ? '_day' : '_bucket'
      return { 'source-id': field.id, 'field-id': FIRST_ID + at, name: `${column}${suffix}`, transform }
    }),
  }
}

/** 999 for a table that is not divided: the next would be 1000. */
export function lastPartitionId(spec: PartitionSpec): number {
  return Math.max(FIRST_ID - 1, ...spec.fields.map((field) => field['field-id']))
}

/** The type of what a transform gives, or undefined where it does not apply. */
export function resultType(source: IcebergType, transform: Transform): 'date' | 'int' | IcebergType | undefined {
  if (transform === 'day') return source === 'timestamp' || source === 'date' ? 'date' : undefined
  if (transform !== 'identity') return source === 'boolean' || source === 'double' ? undefined : 'int'
  return ['string', 'long', 'date', 'boolean'].includes(source) ? source : undefined
}

/** The partition struct of `data_file` (field 102) for a spec. */
export function partitionType(spec: PartitionSpec, schema: Schema): AvroSchema {
  return {
    type: 'record',
    name: 'r102',
    fields: spec.fields.map((field) => {
      const type = avroType(typeIn(schema, field))
      return { name: field.name, type: ['null', type], default: null, 'field-id': field['field-id'] }
    }),
  }
}

export function typeIn(schema: Schema, field: PartitionField): 'int' | IcebergType {
  const source = schema.fields.find(({ id }) => id === field['source-id'])
  const type = source && resultType(source.type, field.transform)
  if (type === undefined) throw new Fault('internal', `the column of partition ${field.name} is gone`)
  return type
}

function avroType(type: 'int' | IcebergType): unknown {
  return type === 'date' ? { type: 'int', logicalType: 'date' } : type
}

/** A value as it stands in the partition struct. */
export function stored(value: PartitionValue, type: 'int' | IcebergType): PartitionValue {
  if (value === null) return null
  if (type === 'date') {
    const days = typeof value === 'number' ? value : Date.parse(`${String(value)}T00:00:00Z`) / 86_400_000
    if (!Number.isInteger(days)) throw new Fault('invalid', `"${String(value)}" is no day: write 2026-03-20`)
    return days
  }
  if (type === 'long') return BigInt(value)
  const fits =
    type === 'int'
      ? Number.isInteger(value)
      : type === 'boolean'
        ? typeof value === 'boolean'
        : typeof value === 'string'
  if (!fits) throw new Fault('invalid', `"${String(value)}" is no ${type}`)
  return value
}

/** Days since the epoch of a time in microseconds. */
export function dayOf(micros: number): number {
  return Math.floor(micros / 86_400_000_000)
}

/** The bucket of a value, from 0 to `n - 1`. */
export function bucketOf(value: Plainly, type: IcebergType, n: number): number {
  return (bucketHash(value, type) & 0x7fffffff) % n
}

/** What a bucket is taken of: integers and times as eight bytes, text as UTF-8, decimals as their digits. */
export function bucketHash(value: Plainly, type: IcebergType): number {
  if (type === 'long' || type === 'timestamp' || type === 'date') {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value as bigint)
    return murmur3(bytes)
  }
  return murmur3(boundOf(value, type))
}
