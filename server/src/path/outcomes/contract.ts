// The contract that outcomes stand under: built in, and put into force with the first of them.
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { OUTCOMES } from './recorded.ts'

const TEXT = `# What came of messages, as providers and people tell it. Built in: Whence puts it into force itself.
apiVersion: v3.1.0
kind: DataContract
id: whence.outcomes
version: 1.0.0
status: active
name: outcomes
description:
  purpose: Deliveries, opens, clicks, complaints and what else comes of actions, in one vocabulary
schema:
  - name: whence.outcomes
    logicalType: object
    properties:
      - { name: about, logicalType: string, required: true, classification: personal }
      - { name: type, logicalType: string, required: true }
      - { name: time, logicalType: timestamp, required: true }
      - { name: provider, logicalType: string, required: true }
      - { name: webhook, logicalType: string }
      - { name: reason, logicalType: string }
      - { name: hard, logicalType: boolean }
      - { name: value, logicalType: number }
      - { name: url, logicalType: string, classification: personal }
      - { name: recipient, logicalType: string, classification: personal }
      - { name: message, logicalType: string, classification: personal }
customProperties:
  - property: whence
    value:
      subject: about
      eventTime: time
      knownAt: recorded
      additionalProperties: pass
`

/** The contract in force for outcomes; put into force where there is none. Durable when it resolves. */
export async function outcomeContract(contracts: ContractBook, ledger: Ledger): Promise<Contract> {
  if (!contracts.streams().includes(OUTCOMES)) {
    const [prepared] = contracts.prepare([{ path: 'whence.outcomes.yaml', text: TEXT }])
    const { seq } = await ledger.appendOne(contracts.draft(prepared!), 'whence')
    if (!contracts.streams().includes(OUTCOMES)) contracts.accept(prepared!, seq)
  }
  return contracts.inForce(OUTCOMES).contract
}
