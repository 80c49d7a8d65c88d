// Opt-outs: objections to marketing, one by one or as a list, and what each of them stopped.
import type { OptOut, OptOutEffects, OptOutResults } from '@whence/sdk'
import { formatTime } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Objections } from './objections.ts'

/** An opt-out that is durable. */
export interface OptedOut {
  readonly subject: string
  /** Absent: on every channel. */
  readonly channel: string | undefined
  /** The person's own time, in microseconds. */
  readonly time: number
  readonly seq: number
  /** The server's clock when it was sequenced, as in its entry. */
  readonly recorded: string
}

/**
 * What opt-outs did, in their order: asked once they are durable, when nothing that they cover can be claimed any more.
 * Whoever answers adds nothing to that; what it throws is the caller's to see, the opt-outs stand.
 */
export type Consequences = (optOuts: readonly OptedOut[]) => Promise<readonly OptOutEffects[]>

export class OptOuts {
  readonly #objections: Objections
  #consequences: Consequences | undefined

  constructor(parts: { objections: Objections }) {
    this.#objections = parts.objections
  }

  /** Names who is asked what opt-outs did: a later step of the path. */
  onOptOut(consequences: Consequences): void {
    this.#consequences = consequences
  }

  /** Records opt-outs in their order. Durable when it resolves; what is refused keeps back none of the others. */
  async record(optOuts: readonly OptOut[], caller: Caller): Promise<OptOutResults> {
    const placed = await this.#objections.recordAll(
      optOuts.map((each) => ({ ...each, purpose: 'marketing' })),
      caller,
    )
    const durable = placed.flatMap((each) =>
      'problem' in each
        ? []
        : [
            {
              subject: each.subject,
              channel: each.channel,
              time: each.time,
              seq: each.receipt.seq,
              recorded: each.receipt.recorded,
            },
          ],
    )
    const effects = durable.length > 0 ? await this.#consequences?.(durable) : undefined
    const answer: OptOutResults = { recorded: 0, duplicate: 0, conflict: 0, refused: 0, results: [] }
    let next = 0
    for (const each of placed) {
      if ('problem' in each) {
        answer.refused++
        answer.results.push({ status: 'refused', problem: each.problem })
        continue
      }
      const { subject, channel, time, receipt } = each
      const done = effects?.[next++]
      answer[receipt.status]++
      answer.results.push({
        status: receipt.status,
        subject,
        ...(channel === undefined ? {} : { channel }),
        time: formatTime(time),
        receipt,
        ...(done ? { effects: done } : {}),
      })
    }
    return answer
  }
}
