// Values as they come out of DuckDB.
import { DuckDBTypeId } from '@duckdb/node-api'
import type {
  DuckDBBlobValue,
  DuckDBDataChunk,
  DuckDBListValue,
  DuckDBMaterializedResult,
  DuckDBTimestampValue,
  DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api'
import { Fault } from '../fault.ts'
import type { Plain } from './column-types.ts'

export async function plainRows<Row>(result: DuckDBMaterializedResult): Promise<Row[]> {
  const names = result.columnNames()
  if (names.includes('__proto__')) throw new Fault('invalid', 'A column of a result cannot be called __proto__.')
  const types = result.columnTypes()
  const rows: Record<string, Plain>[] = []
  for (const chunk of await result.fetchAllChunks()) {
    const from = rows.length
    for (let i = 0; i < chunk.rowCount; i++) rows.push({})
    names.forEach((name, index) => {
      const toPlain = reader(types[index]!)
      chunk.visitColumnValues(index, (value, i) => {
        rows[from + i]![name] = value === null ? null : toPlain(value)
      })
    })
  }
  return rows as Row[]
}

export function plainColumn(chunk: DuckDBDataChunk, index: number, toPlain: (value: DuckDBValue) => Plain): Plain[] {
  const values: Plain[] = Array.from({ length: chunk.rowCount })
  chunk.visitColumnValues(index, (value, i) => {
    values[i] = value === null ? null : toPlain(value)
  })
  return values
}

export function reader(type: DuckDBType): (value: DuckDBValue) => Plain {
  switch (type.typeId) {
    case DuckDBTypeId.TIMESTAMP:
      return (value) => {
        const { micros } = value as DuckDBTimestampValue
        return Number.isSafeInteger(Number(micros)) ? Number(micros) : micros
      }
    case DuckDBTypeId.DECIMAL:
    case DuckDBTypeId.DATE:
    case DuckDBTypeId.UUID:
    case DuckDBTypeId.INTERVAL:
      return (value) => String(value)
    case DuckDBTypeId.BLOB:
      return (value) => {
        const { bytes } = value as DuckDBBlobValue
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      }
    case DuckDBTypeId.LIST: {
      const item = reader((type as unknown as { valueType: DuckDBType }).valueType)
      return (value) => (value as DuckDBListValue).items.map((each) => (each === null ? null : item(each)))
    }
    default:
      return (value) => value as Plain
  }
}

export function numbersIn(chunk: DuckDBDataChunk): Float64Array {
  const vector = chunk.getColumnVector(0)
  const numbers = new Float64Array(chunk.rowCount)
  for (let i = 0; i < numbers.length; i++) {
    const value = vector.getItem(i)
    const number = Number(value)
    if (typeof value !== 'bigint' || !Number.isSafeInteger(number))
      throw new Fault('internal', 'A number of a column is NULL or beyond 2^53.')
    numbers[i] = number
  }
  return numbers
}
