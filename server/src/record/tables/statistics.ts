// What the footer of a Parquet file says of its columns, as a manifest holds it.
import { compareValues, fromStatistics, lowerBound, upperBound } from '../../store/iceberg/bounds.ts'
import type { Plainly } from '../../store/iceberg/bounds.ts'
import type { ColumnStatistics } from '../../store/iceberg/manifest.ts'
import { dayOf, stored, typeIn } from '../../store/iceberg/partition.ts'
import type { PartitionSpec, PartitionValue } from '../../store/iceberg/partition.ts'
import type { Schema, SchemaField } from '../../store/iceberg/schema.ts'
import type { Columns, Session } from '../../store/columns.ts'
import { quote } from '../../store/columns.ts'
import { Fault } from '../../fault.ts'

export interface FileStatistics {
  rows: number
  columns: ColumnStatistics[]
  /** The smallest and largest value of a column, uncut; absent where the file does not say. */
  ranges: ReadonlyMap<number, { least: Plainly; most: Plainly }>
}

interface Chunk {
  name: string
  values: bigint
  nulls: bigint | null
  bytes: bigint
  least: string | null
  most: string | null
}

/** Throws `altered` when the file cannot be read. */
export async function statisticsOf(columns: Columns, path: string, schema: Schema): Promise<FileStatistics> {
  try {
    const { rows } = await columns.row<{ rows: bigint }>(
      `SELECT num_rows AS rows FROM parquet_file_metadata(${quote(path)})`,
    )
    const chunks = await columns.rows<Chunk>(
      `SELECT path_in_schema AS name, num_values::BIGINT AS values, stats_null_count::BIGINT AS nulls,
         total_compressed_size::BIGINT AS bytes, stats_min_value AS least, stats_max_value AS most
       FROM parquet_metadata(${quote(path)})`,
    )
    return summed(Number(rows), chunks, schema)
  } catch (cause) {
    throw new Fault('altered', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** The numbers of the columns that stand in a file; undefined for one that was written without. */
export async function fieldIdsIn(session: Session, path: string): Promise<Record<string, number> | undefined> {
  const fields = await session.rows<{ name: string; id: bigint }>(
    `SELECT name, field_id::BIGINT AS id FROM parquet_schema(${quote(path)}) WHERE field_id IS NOT NULL`,
  )
  return fields.length === 0 ? undefined : Object.fromEntries(fields.map(({ name, id }) => [name, Number(id)]))
}

function summed(rows: number, chunks: readonly Chunk[], schema: Schema): FileStatistics {
  const ranges = new Map<number, { least: Plainly; most: Plainly }>()
  const columns = schema.fields.flatMap((field): ColumnStatistics[] => {
    const own = chunks.filter(({ name }) => name.toLowerCase() === field.name.toLowerCase())
    if (own.length === 0) return []
    const sum = (of: (chunk: Chunk) => bigint): number => Number(own.reduce((total, chunk) => total + of(chunk), 0n))
    const range = rangeOf(own, field)
    if (range) ranges.set(field.id, range)
    return [
      {
        id: field.id,
        bytes: sum(({ bytes }) => bytes),
        values: sum(({ values }) => values),
        nulls: sum(({ nulls }) => nulls ?? 0n),
        lower: range && lowerBound(range.least, field.type),
        upper: range && upperBound(range.most, field.type),
      },
    ]
  })
  return { rows, columns, ranges }
}

/** Undefined when a part of the column with values in it does not say. */
function rangeOf(chunks: readonly Chunk[], { type }: SchemaField): { least: Plainly; most: Plainly } | undefined {
  let range: { least: Plainly; most: Plainly } | undefined
  for (const { values, nulls, least, most } of chunks) {
    if (values === (nulls ?? 0n)) continue
    const low = least === null ? undefined : fromStatistics(least, type)
    const high = most === null ? undefined : fromStatistics(most, type)
    if (low === undefined || high === undefined) return undefined
    range = {
      least: !range || compareValues(low, range.least, type) < 0 ? low : range.least,
      most: !range || compareValues(high, range.most, type) > 0 ? high : range.most,
    }
  }
  return range
}

/** The partition of a file as it is stored. Throws `invalid` where the file's own bounds contradict it. */
export function partitionOf(
  path: string,
  given: readonly PartitionValue[] | undefined,
  { schema, spec, statistics }: { schema: Schema; spec: PartitionSpec; statistics: FileStatistics },
): PartitionValue[] {
  const values = given ?? []
  if (values.length !== spec.fields.length)
    throw new Fault('invalid', `${path} needs ${spec.fields.length} partition values, and has ${values.length}`)
  return spec.fields.map((field, at) => {
    const type = typeIn(schema, field)
    const value = stored(values[at]!, type)
    const range = statistics.ranges.get(field['source-id'])
    if (value === null || !range || field.transform.startsWith('bucket')) return value
    const source = schema.fields.find(({ id }) => id === field['source-id'])!.type
    const day = (one: Plainly): number => (source === 'timestamp' ? dayOf(Number(one)) : Number(one))
    const [least, most] =
      field.transform === 'day' ? [day(range.least), day(range.most)] : [plain(range.least), plain(range.most)]
    if (least !== plain(value) || most !== plain(value))
      throw new Fault('invalid', `${path} has rows outside its partition ${field.name} = ${String(values[at])}`)
    return value
  })
}

/** Whole numbers alike, whether they came as bigint or not. */
function plain(value: Plainly | Exclude<PartitionValue, null>): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}
