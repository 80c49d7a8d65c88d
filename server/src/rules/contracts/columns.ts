// What the derived column files hold of an event, and how each value is written for DuckDB.
import { fits, plain } from './decimal.ts'
import { reader } from './identity.ts'
import { pointer } from './property.ts'
import type { Property } from './property.ts'
import { isDate, parseTimeWide } from './time.ts'

/** A column of the derived files. `path` leads to its value in the event. */
export interface Column {
  readonly name: string
  readonly path: readonly string[]
  readonly type: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | `DECIMAL(${number},${number})` | 'BOOLEAN' | 'TIMESTAMP' | 'DATE'
  readonly personal: boolean
}

/** A value of a column: TIMESTAMP as microseconds, DATE and DECIMAL as text. */
export type Cell = string | number | bigint | boolean | null

/** The properties that have a column: all that hold a value themselves, without personal and withheld ones. */
export function columnProperties(properties: readonly Property[], withheld: ReadonlySet<string>): Property[] {
  return properties.flatMap((property) => {
    if (property.personal || withheld.has(pointer(property.path))) return []
    if (property.properties) return columnProperties(property.properties, withheld)
    return property.items && holdsPersonal(property.items) ? [] : [property]
  })
}

function holdsPersonal(property: Property): boolean {
  const within = [...(property.properties ?? []), ...(property.items ? [property.items] : [])]
  return property.personal || within.some(holdsPersonal)
}

export function columnOf({ path, column, logicalType, decimal, personal }: Property): Column {
  const types = {
    string: 'VARCHAR',
    integer: 'BIGINT',
    number: decimal ? (`DECIMAL(${decimal.precision},${decimal.scale})` as const) : 'DOUBLE',
    boolean: 'BOOLEAN',
    timestamp: 'TIMESTAMP',
    date: 'DATE',
    time: 'VARCHAR',
    object: 'VARCHAR',
    array: 'VARCHAR',
  } as const
  return { name: column, path, type: types[logicalType], personal }
}

/** Compiles the reading of a column's value. A value of the wrong type, or that the column cannot hold, is null. */
export function compileCell(property: Property): (value: unknown) => Cell {
  const read = reader(property)
  const write = writer(property)
  return (value) => {
    const found = read(value)
    return found === undefined || found === null ? null : write(found)
  }
}

function writer({ logicalType, decimal }: Property): (value: unknown) => Cell {
  switch (logicalType) {
    case 'string':
    case 'time':
      // A lone surrogate has no UTF-8; a column would replace it without a word.
      return (value) => (typeof value === 'string' && value.isWellFormed() ? value : null)
    case 'integer':
      return (value) => (Number.isSafeInteger(value) ? BigInt(value as number) : null)
    case 'number':
      if (!decimal) return (value) => (typeof value === 'number' ? value : null)
      return (value) =>
        typeof value === 'number' && fits(value, decimal.precision, decimal.scale) ? plain(value) : null
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : null)
    case 'timestamp':
      return (value) => (typeof value === 'string' ? (parseTimeWide(value) ?? null) : null)
    case 'date':
      return (value) => (typeof value === 'string' && isDate(value) ? value : null)
    case 'object':
      return (value) => (typeof value === 'object' && !Array.isArray(value) ? JSON.stringify(value) : null)
    case 'array':
      return (value) => (Array.isArray(value) ? JSON.stringify(value) : null)
  }
}
