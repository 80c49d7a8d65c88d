import type { ContractInfo } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { parseContract, type Contract, type Property } from '../../rules/contracts/contract.ts'
import type { CsvOptions } from './batches.ts'

/** How the rows of a CSV file become events of a stream: by the properties of the contract in force. */
export function csvOptions(info: ContractInfo, delimiter: string): CsvOptions {
  const contract = parseContract(info.text, `the contract of ${info.stream}`)
  const properties = new Map(contract.properties.map((property) => [property.path[0]!, property]))
  return {
    delimiter,
    checkHeader: (columns) => checkHeader(contract, columns, delimiter),
    toEvent: (row) =>
      Object.fromEntries(
        Object.entries(row).flatMap(([name, cell]) => {
          const value = coerce(properties.get(name), cell)
          return value === undefined ? [] : [[name, value]]
        }),
      ),
  }
}

/** A header that shares nothing with the contract means another file, or another delimiter: better asked than guessed. */
function checkHeader(contract: Contract, columns: readonly string[], delimiter: string): void {
  const names = contract.properties.map(({ path }) => path[0]!)
  if (names.length === 0 || columns.some((column) => names.includes(column))) return
  const other = [',', ';', '\t', '|'].find(
    (candidate) =>
      candidate !== delimiter &&
      columns
        .join(delimiter)
        .split(candidate)
        .some((column) => names.includes(column.trim())),
  )
  const advice = other
    ? `; its fields seem to be separated otherwise: --delimiter '${other === '\t' ? String.raw`\t` : other}'`
    : `: it names ${columns.slice(0, 5).join(', ')}`
  throw new Fault('usage', `The header names no field of contract ${contract.id}@${contract.version}${advice}`)
}

function coerce(property: Property | undefined, cell: string): unknown {
  if (cell === '') return undefined
  const type = property?.logicalType
  if ((type === 'integer' || type === 'number') && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(cell))
    return Number(cell)
  if (type === 'boolean' && /^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true'
  return cell
}
