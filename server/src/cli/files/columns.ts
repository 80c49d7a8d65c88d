import type { ContractInfo } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { parseContract, type Contract } from '../../rules/contracts/contract.ts'
import { checkHeader, coerceRow } from '../../rules/contracts/csv.ts'
import type { CsvOptions } from './batches.ts'

/** How the rows of a CSV file become events of a stream, by its contract; `warn` is told what is odd but no hindrance. */
export function csvOptions(info: ContractInfo, delimiter: string, warn: (sentence: string) => void): CsvOptions {
  const contract = parseContract(info.text, `${info.stream}.yaml`)
  return {
    delimiter,
    checkHeader: (columns) => check(contract, columns, delimiter, warn),
    toEvent: (columns, cells) => coerceRow(contract, columns, cells).value,
  }
}

/** With a header under which no row could pass it is better to ask than to quarantine the whole file. */
function check(
  contract: Contract,
  columns: readonly string[],
  delimiter: string,
  warn: (sentence: string) => void,
): void {
  const problems = checkHeader(contract, columns)
  const name = `${contract.id}@${contract.version}`
  const fatal = problems.filter(
    ({ rule, outcome }) => rule !== 'additional' && (outcome === 'quarantine' || outcome === 'drop'),
  )
  if (fatal.length > 0) {
    const other = otherDelimiter(contract, columns, delimiter)
    const advice = other === undefined ? '' : `\nIts fields seem to be separated otherwise: add --delimiter '${other}'`
    const said = fatal.slice(0, 5).map(({ message }) => message)
    throw new Fault('invalid', `The header does not fit contract ${name}: ${said.join('; ')}.${advice}`)
  }
  const odd = problems.filter(({ outcome }) => outcome !== 'pass').map(({ message }) => message)
  if (odd.length > 0)
    warn(`the header, by contract ${name}: ${odd.slice(0, 5).join('; ')}${odd.length > 5 ? '; …' : ''}`)
}

function otherDelimiter(contract: Contract, columns: readonly string[], delimiter: string): string | undefined {
  const known = (names: readonly string[]) =>
    checkHeader(contract, names).filter(({ rule }) => rule === 'additional').length < names.length
  const header = columns.join(delimiter)
  const found = [',', ';', '\t', '|'].find(
    (candidate) => candidate !== delimiter && header.includes(candidate) && known(header.split(candidate)),
  )
  return found === '\t' ? String.raw`\t` : found
}
