// An event as it was remembered: opened, checked, and read by the contract that it was judged under.
import type { Entry } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Micros } from '../../record/time.ts'
import { readContent } from '../../rules/contracts/content.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import { extract, judge } from '../../rules/contracts/judge.ts'
import type { Extracted } from '../../rules/contracts/judge.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Violation } from '../../rules/contracts/violation.ts'
import type { ContractBook } from './contract-book.ts'

export interface ReadEvent {
  readonly seq: number
  readonly entry: Entry
  readonly subject: string
  readonly id: string
  readonly time: Micros
  readonly known: Micros
  /** The time of knowing is the source's word, not our clock. */
  readonly knownAsserted: boolean
  readonly contract: Contract
  readonly found: Extracted
  readonly value: unknown
  /** The verdict on record, and the one that its contract gives now. */
  readonly outcome: string
  readonly judgedAgain: { outcome: string; violations: Violation[] }
}

/** Reads an event. 'erased' when its key is destroyed; throws `altered` when it does not open as it was recorded. */
export function readEvent(ledger: Ledger, contracts: ContractBook, seq: number): ReadEvent | 'erased' {
  const opened = ledger.open(seq)
  if (opened.state !== 'open') return 'erased'
  const { entry } = opened
  const contract = contracts.named(entry.refs.contract!)
  const { value, problems } = readContent(opened.content)
  const found = extract(contract, value)
  const recorded = parseTime(entry.recorded)!
  return {
    seq,
    entry,
    subject: opened.subject,
    id: String(opened.header.id),
    time: parseTime(String(opened.header.time))!,
    known: found.known.clock === 'recorded' ? recorded : found.known.at,
    knownAsserted: found.known.clock !== 'recorded',
    contract,
    found,
    value,
    outcome: entry.refs.outcome!,
    get judgedAgain() {
      return judge(contract, value, problems)
    },
  }
}

/** A contract's values for the columns of a stream, by name: contracts of other versions may lack some. */
export function valuesFor(
  { columns: own }: Pick<Contract, 'columns'>,
  values: readonly unknown[],
  columns: readonly { name: string }[],
): readonly unknown[] {
  if (own.length === columns.length && own.every((column, i) => column.name === columns[i]!.name)) return values
  const byName = new Map(own.map((column, i) => [column.name, values[i]]))
  return columns.map((column) => byName.get(column.name) ?? null)
}
