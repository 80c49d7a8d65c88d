// What an explanation has found: claims, what is wrong, and the records that both rest on.
import { leafHash, toHex } from '@whence/ledger'
import type { Claim, ContributingEvent, EvidenceRecord, Explanation, Truth } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'

/** Claims and evidence gather as the chain is walked. */
export class Findings {
  readonly claims: Claim[] = []
  readonly alerts: Explanation['alerts'][number][] = []
  readonly #ledger: Ledger
  readonly #asOf: number | undefined
  readonly #evidence = new Map<number, string | undefined>()

  constructor(ledger: Ledger, asOf: number | undefined) {
    this.#ledger = ledger
    this.#asOf = asOf
  }

  /** Notes a record that the answer rests on, and what is wrong with it. */
  rest(seq: number, problem?: string): void {
    this.#evidence.set(seq, this.#evidence.get(seq) ?? problem)
    if (problem !== undefined) this.alert('contradicted', `Record ${seq} is altered: ${problem}.`)
  }

  /** Whether a record was there at the position asked for. */
  known(seq: number | undefined): boolean {
    return this.#asOf === undefined || seq === undefined || seq < this.#asOf
  }

  claim(
    subject: Claim['subject'],
    name: string,
    value: string,
    truth: Truth,
    records: number[],
    more: { note?: string; by?: string } = {},
  ): void {
    this.claims.push({ subject, name, value, truth, records, ...more })
  }

  alert(truth: Truth, text: string): void {
    this.alerts.push({ truth, text })
  }

  open(seq: number): void {
    try {
      this.#ledger.open(seq)
      this.rest(seq)
    } catch (error) {
      this.rest(seq, Fault.from(error).message)
    }
  }

  actorOf(seq: number): string {
    const { source, actor } = this.#ledger.entry(seq)
    return `${source} (key ${actor})`
  }

  /** Checks every record that the answer rests on in the signed tree, and gives each claim its integrity. */
  async records(events: readonly ContributingEvent[]): Promise<EvidenceRecord[]> {
    const ledger = this.#ledger
    const seqs = [...this.#evidence.keys()].sort((a, b) => a - b)
    if (seqs.some((seq) => seq >= ledger.published)) await ledger.publish()
    const records = seqs.map((seq): EvidenceRecord => {
      const { kind, actor, recorded } = ledger.entry(seq)
      const leaf = toHex(leafHash(ledger.entryBytes(seq)))
      let problem = this.#evidence.get(seq)
      if (problem === undefined && !ledger.provedIn(seq)) {
        problem = 'its entry is not under the root of the signed checkpoint'
        this.alert('contradicted', `Record ${seq} is altered: ${problem}.`)
      }
      const record: EvidenceRecord = {
        seq,
        kind,
        leaf,
        recorded,
        actor,
        integrity: problem === undefined ? 'intact' : 'altered',
      }
      if (problem !== undefined) record.problem = problem
      return record
    })
    const altered = new Set(records.filter(({ integrity }) => integrity === 'altered').map(({ seq }) => seq))
    for (const claim of this.claims) {
      if (claim.records.length > 0)
        claim.integrity = claim.records.some((seq) => altered.has(seq)) ? 'altered' : 'intact'
    }
    for (const event of events) if (altered.has(event.seq)) event.integrity = 'altered'
    return records
  }
  counts(): Explanation['counts'] {
    const counts = { recomputed: 0, asserted: 0, contradicted: 0, missing: 0, erased: 0 }
    for (const { truth } of this.claims) counts[truth]++
    return counts
  }
}
