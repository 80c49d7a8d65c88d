// Outcomes are recorded, and what they demand is done: whoever unsubscribes or complains is opted out, an address that takes
// nothing is noted. Answered is only what is durable, with what followed from it.
import type { OutcomeResults, PlacedOutcome } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import { judge } from '../../rules/contracts/judge.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { ContractBook } from '../events/contract-book.ts'
import type { Acting, Demand } from './acting.ts'
import { outcomeContract } from './contract.ts'
import { LATE, OUTCOMES } from './recorded.ts'
import type { OutcomeContent, OutcomeHeader, OutcomeRefs } from './recorded.ts'
import type { Tied, Tying } from './tying.ts'
import type { Told } from './told.ts'

export interface RecordingParts {
  ledger: Ledger
  contracts: ContractBook
  clock: Clock
  tying: Tying
  acting: Acting
}

/** What one caller told in one request. */
export interface Telling {
  readonly told: readonly Told[]
  readonly caller: Caller
}

interface Prepared {
  readonly told: Told
  readonly time: Micros
  readonly tied: Tied
  /** Absent where the person was erased. */
  readonly draft: Draft | undefined
}

export class Recording {
  readonly #parts: RecordingParts

  constructor(parts: RecordingParts) {
    this.#parts = parts
  }

  /**
   * Records what was told, each in its order. Durable when it resolves, and done what it demands. Whoever was refused is
   * answered so: others whose request came in the same turn are not.
   */
  async record(tellings: readonly Telling[]): Promise<(OutcomeResults | Fault)[]> {
    const { ledger, contracts, clock, tying } = this.#parts
    const contract = await outcomeContract(contracts, ledger)
    const now = clock.now()
    const all = tellings.flatMap(({ told, caller }) =>
      told.map((one) => ({ told: one, caller, ...this.#timeOf(one, caller.source, now) })),
    )
    const ties = await tying.tie(all)
    const prepared: Prepared[] = all.map(({ told, caller, time, assumed }, i) => {
      const tied = ties[i]!
      const draft = draftOf({ told, time, assumed, tied, contract, source: caller.source })
      return { told, time, tied, draft }
    })
    // All of them wait for the same frame.
    let from = 0
    const placed = await Promise.all(
      tellings.map(async ({ told, caller }) => {
        const ours = prepared.slice(from, (from += told.length))
        const drafts = ours.flatMap(({ draft }) => draft ?? [])
        const appended = await ledger
          .append(drafts, { actor: caller.id })
          .then((results) => results as Appended[], Fault.from)
        return { ours, caller, appended }
      }),
    )
    const results: (OutcomeResults | Fault)[] = []
    for (const { ours, caller, appended } of placed)
      results.push(appended instanceof Fault ? appended : await this.#answer(ours, caller, appended).catch(Fault.from))
    return results
  }

  /** When it happened. Where nobody said: when it was told first. */
  #timeOf({ id, time }: Told, source: string, now: Micros): { time: Micros; assumed: boolean } {
    if (time !== undefined) return { time, assumed: false }
    const { ledger } = this.#parts
    const place = placeBytes({ kind: 'event/1', stream: OUTCOMES, source, id })
    const earlier = ledger.find(identityOf(ledger.subjects.idKey, place))
    const opened = earlier === undefined ? undefined : ledger.open(earlier)
    if (opened?.state !== 'open') return { time: now, assumed: true }
    return { time: parseTime(String(opened.header.time))!, assumed: true }
  }

  async #answer(ours: readonly Prepared[], caller: Caller, appended: readonly Appended[]): Promise<OutcomeResults> {
    const { acting, clock } = this.#parts
    const answer: OutcomeResults = {
      recorded: 0,
      duplicate: 0,
      conflict: 0,
      refused: 0,
      tied: 0,
      untied: 0,
      results: [],
    }
    const early: { seq: number; message: string }[] = []
    const demands: { demand: Demand; result: Extract<PlacedOutcome, { receipt: unknown }> }[] = []
    let next = 0
    for (const { told, tied, draft, time } of ours) {
      const { type } = told.content
      const one = draft === undefined ? undefined : appended[next++]!
      if (one === undefined || one.status === 'refused') {
        answer.refused++
        const message = one?.fault.message ?? 'this person was erased; nothing more is recorded about them'
        answer.results.push({ type, problem: { code: one?.fault.code ?? 'erased', message } })
        continue
      }
      const { seq, leaf, recorded, status } = one
      answer[status]++
      answer[tied.action === undefined ? 'untied' : 'tied']++
      const result: (typeof demands)[number]['result'] = {
        type,
        receipt: { seq, leaf, recorded, status },
        ...(tied.action === undefined ? {} : { action: tied.action, tie: tied.tie! }),
        ...(clock.now() - time > LATE ? { late: true } : {}),
      }
      answer.results.push(result)
      // What contradicts a known event demands nothing: whoever forged it would have gained by it.
      if (status === 'conflict' || one.erased) continue
      const demand = acting.demandOf({
        seq,
        source: caller.source,
        subject: tied.subject === 'erased' ? undefined : tied.subject,
        address: tied.address,
        type,
        hard: told.content.hard === true,
        optsOut: told.optsOut,
        channel: told.channel,
        time,
      })
      if (demand) demands.push({ demand, result })
      if (demand && tied.action === undefined && tied.message !== undefined) early.push({ seq, message: tied.message })
    }
    await acting.await(early)
    const done = await acting.act(
      demands.map(({ demand }) => demand),
      caller,
    )
    for (const [i, { result }] of demands.entries()) Object.assign(result, done[i])
    return answer
  }
}

interface Drafting {
  told: Told
  time: Micros
  assumed: boolean
  tied: Tied
  contract: Contract
  source: string
}

function draftOf({ told, time, assumed, tied, contract, source }: Drafting): Draft | undefined {
  const { subject, action, tie, message, unowned } = tied
  if (subject === 'erased') return undefined
  const content: OutcomeContent = { ...told.content, time: formatTime(time), ...(assumed ? { assumed: true } : {}) }
  const { outcome, violations } = judge(contract, content)
  const refs: OutcomeRefs = {
    type: content.type,
    provider: content.provider,
    ...(message === undefined ? {} : { message }),
    // By its message it is tied by whoever reads the log: the delivery may still be to come.
    ...(action === undefined || tie === 'message' ? {} : { action: String(action), tie: tie! }),
  }
  const header: OutcomeHeader = {
    channel: told.channel,
    ...(told.campaign === undefined ? {} : { campaign: told.campaign }),
    ...(unowned ? { unowned } : {}),
    ...(told.optsOut ? { optsOut: true } : {}),
  }
  return {
    kind: 'event/1',
    stream: OUTCOMES,
    source,
    id: told.id,
    time,
    subject,
    refs: { contract: `${contract.id}@${contract.version}`, outcome, ...refs },
    content: Buffer.from(JSON.stringify(content)),
    header: { ...header, ...(violations.length > 0 ? { violations } : {}) },
  }
}
