// What gates are told of a proposal, as of now: who it concerns, what they allow, how often they were reached, and whose
// the addresses in the copy are.
import type { ActionDecision, ActionProposal, Verdict } from '@whence/sdk'
import { hash } from 'node:crypto'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Subject } from '../../record/subjects/subjects.ts'
import type { Clock } from '../../record/time.ts'
import type { ConsentVerdict, Standing } from '../../rules/consent/verdict.ts'
import type { GateFacts } from '../../rules/gates/gate.ts'
import { whose } from './contacts.ts'
import { decide } from './decide.ts'
import type { Gatekeeper, Judged, JudgedUnder } from './gatekeeper.ts'
import type { Outbox } from './outbox.ts'

export interface JudgingParts {
  ledger: Ledger
  clock: Clock
  standing: Standing
  outbox: Outbox
  gatekeeper: Gatekeeper
}

export interface JudgedNow extends Judged {
  readonly consent: ConsentVerdict | undefined
  readonly at: number
}

/** What the gates would say of somebody. */
export interface Foreseen {
  readonly verdicts: readonly Verdict[]
  readonly decision: ActionDecision
  readonly consent: ConsentVerdict
}

export class Judging {
  readonly #parts: JudgingParts

  constructor(parts: JudgingParts) {
    this.#parts = parts
  }

  get mask(): (text: string) => string {
    return this.#parts.gatekeeper.mask
  }

  /**
   * `besides`: releases to the same person on the same channel that are about to be recorded. `paused`: why nothing of
   * its scope goes out now; it is held then.
   */
  async judge(
    proposal: ActionProposal,
    { subject, personal }: { subject: Subject; personal: boolean },
    { besides = 0, paused, ...under }: JudgedUnder & { besides?: number | undefined; paused?: string | undefined } = {},
  ): Promise<JudgedNow> {
    const { clock, standing, outbox, gatekeeper } = this.#parts
    const { purpose, channel, jurisdiction, output } = proposal
    const at = clock.now()
    const consent = personal ? standing.check({ subject: subject.id, purpose, channel, jurisdiction, at }) : undefined
    const facts: GateFacts = {
      proposal,
      copy: output?.copy ?? [],
      at,
      consent,
      sends: (window) => outbox.releasedSince(subject.id, channel, at - window) + besides,
      contact: (identifier) => whose(this.#parts.ledger, identifier, subject.id),
    }
    const judged = await gatekeeper.judge(facts, under)
    const verdicts = paused === undefined ? judged.verdicts : [...judged.verdicts, pauseVerdict(paused)]
    return { ...judged, verdicts, consent, at }
  }

  /**
   * Asks the gates about many people for one proposal, at one time. Of people about whom they would be told the same they
   * are asked once: what they ask about (releases within a window, whose an address is) is noted as they ask.
   */
  asker(proposal: ActionProposal): (subject: string | undefined) => Promise<Foreseen> {
    const { clock, standing, outbox, gatekeeper } = this.#parts
    const { purpose, channel, jurisdiction, output } = proposal
    const at = clock.now()
    const windows = new Set<number>()
    const contacts = new Set<string>()
    const known = new Map<string, Omit<Foreseen, 'consent'>>()
    const sends = (subject: string | undefined, window: number): number =>
      subject === undefined ? 0 : outbox.releasedSince(subject, channel, at - window)
    return async (subject) => {
      const consent = standing.check({ subject: subject ?? '', purpose, channel, jurisdiction, at })
      const key = (): string =>
        JSON.stringify([
          consent.allowed,
          consent.code,
          consent.basis,
          [...windows].map((window) => sends(subject, window)),
          [...contacts].map((identifier) => whose(this.#parts.ledger, identifier, subject)),
        ])
      let found = known.get(key())
      if (!found) {
        const { verdicts } = await gatekeeper.judge(
          {
            // The gates see that somebody is meant; who it is decides nothing but what is asked here.
            proposal: { ...proposal, entity: 'somebody' },
            copy: output?.copy ?? [],
            at,
            consent,
            sends: (window) => (windows.add(window), sends(subject, window)),
            contact: (identifier) => (contacts.add(identifier), whose(this.#parts.ledger, identifier, subject)),
          },
          { edited: true },
        )
        found = { verdicts, decision: decide(verdicts).decision }
        known.set(key(), found)
      }
      return { ...found, consent }
    }
  }

  /** Whom a proposal concerns; of what concerns nobody, whoever did it. 'erased' and undefined as the ledger says. */
  subjectOf({ entity, subject, subjectType, actor }: ActionProposal): Subject | 'erased' | undefined {
    const { subjects } = this.#parts.ledger
    if (subject !== undefined) return subjects.byId(subject)
    return entity === undefined
      ? subjects.mint('whence.actor', `${actor.type}:${actor.id}`)
      : subjects.mint(subjectType ?? 'customer', entity)
  }
}

function pauseVerdict(message: string): Verdict {
  return {
    gate: 'pause',
    kind: 'pause',
    policy: 'none',
    fingerprint: hash('sha256', 'pause'),
    outcome: 'hold',
    findings: [{ code: 'paused', message }],
    inputs: {},
  }
}
