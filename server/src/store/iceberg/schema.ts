// Columns of a table and the numbers by which files know them. A number is never given twice: a column that changes its
// type is another column, under the same name.
import { Fault } from '../../fault.ts'
import type { ColumnType } from '../columns.ts'
import { decimalOf } from '../columns.ts'

/** A column of a table, typed as in files. */
export interface TableColumn {
  name: string
  type: ColumnType | 'BLOB'
}

export type IcebergType =
  | 'boolean'
  | 'long'
  | 'double'
  | 'date'
  | 'timestamp'
  | 'string'
  | 'binary'
  | `decimal(${number}, ${number})`

export interface SchemaField {
  id: number
  name: string
  /** Always false: DuckDB writes every column of a Parquet file as optional. */
  required: false
  type: IcebergType
}

export interface Schema {
  type: 'struct'
  'schema-id': number
  fields: readonly SchemaField[]
}

export function icebergType(type: TableColumn['type']): IcebergType {
  switch (type) {
    case 'BOOLEAN':
      return 'boolean'
    case 'BIGINT':
      return 'long'
    case 'DOUBLE':
      return 'double'
    case 'DATE':
      return 'date'
    case 'TIMESTAMP':
      return 'timestamp'
    case 'VARCHAR':
      return 'string'
    case 'BLOB':
      return 'binary'
    default: {
      const [precision, scale] = decimalOf(type)
      return `decimal(${precision}, ${scale})`
    }
  }
}

/**
 * The fields that hold these columns, given the schema in force: its own when nothing is new. Columns that are not named
 * stay, because older files have them.
 */
export function evolve(
  current: Schema | undefined,
  lastId: number,
  columns: readonly TableColumn[],
): { fields: SchemaField[]; lastId: number; changed: boolean } {
  const seen = new Set<string>()
  let last = lastId
  const wanted = columns.map(({ name, type }): SchemaField => {
    const key = name.toLowerCase()
    if (seen.has(key)) throw new Fault('invalid', `the table would have two columns called ${name}`)
    seen.add(key)
    const there = current?.fields.find((field) => field.name.toLowerCase() === key)
    const iceberg = icebergType(type)
    if (there?.type === iceberg) return there
    return { id: ++last, name, required: false, type: iceberg }
  })
  const inPlace = (current?.fields ?? []).map(
    (field) => wanted.find(({ name }) => name.toLowerCase() === field.name.toLowerCase()) ?? field,
  )
  const fields = [...inPlace, ...wanted.filter((field) => !inPlace.includes(field))]
  const before = current?.fields ?? []
  const changed = fields.length !== before.length || fields.some((field, at) => field !== before[at])
  return { fields, lastId: last, changed }
}

/** For readers of files that carry no field ids: which names stand for which (`schema.name-mapping.default`). */
export function nameMapping(fields: readonly SchemaField[]): string {
  return JSON.stringify(fields.map(({ id, name }) => ({ 'field-id': id, names: [name] })))
}

/** The numbers of columns by name, as `parquet()` writes them into a file. */
export function fieldIds(schema: Schema, columns: readonly TableColumn[]): Record<string, number> {
  return Object.fromEntries(
    columns.map(({ name }) => {
      const field = schema.fields.find((each) => each.name.toLowerCase() === name.toLowerCase())
      if (!field) throw new Fault('internal', `the table has no column ${name}`)
      return [name, field.id]
    }),
  )
}
