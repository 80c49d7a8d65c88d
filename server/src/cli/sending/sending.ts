// Claims, sends, acknowledges: at least once, never without a claim, and nothing after its lease.
import { setTimeout as wait } from 'node:timers/promises'
import type { Acknowledgement, Claimed, Client } from '@whence/sdk'
import type { SmtpLine } from '../../store/smtp.ts'
import { write } from './message.ts'
import type { Letterhead } from './message.ts'

export interface Wanted {
  readonly channel: string
  readonly campaign: string | undefined
  readonly environment: string | undefined
  /** At most so many messages are tried; undefined: all that wait. */
  readonly limit: number | undefined
  /** Seconds; what is lost between sending and acknowledging goes out again after so long. */
  readonly lease: number
  /** So many times an action is given out, then what is put off counts as failed. */
  readonly attempts: number
  /** Wait for more when nothing waits. */
  readonly watch: boolean
}

/** What came of it. */
export interface Sent {
  sent: number
  /** Will not be tried again. */
  failed: number
  /** Not taken now, or not tried: they wait again. */
  later: number
  /** Perhaps taken: they go out again when their lease is over. */
  unknown: number
  /** Of those tried: attempts after a first one, of which it is not known what became. */
  again: number
  /** Sent although the person had withdrawn between claim and acknowledgement. */
  withdrawn: number
  /** Acknowledgements that the server did not take. */
  unacknowledged: number
  /** Acknowledged after the lease: another sender may have had it too. */
  late: number
  /** Why nothing more could be sent. */
  stopped?: string
}

export interface SendingParts {
  readonly client: Pick<Client, 'claim' | 'acknowledge'>
  readonly line: Pick<SmtpLine, 'open' | 'send' | 'quit'>
  readonly letterhead: Letterhead
  /** A sentence for people: no address, nothing of the copy. */
  readonly say: (sentence: string) => void
  readonly progress: (sent: Sent) => void
  /** When it is to end: what is under way is finished first. */
  readonly stop: AbortSignal
  /** Milliseconds between two looks at an empty outbox. */
  readonly every?: number
}

/** Claims so few at once that their lease lasts for all of them, however slow the server. */
const AT_ONCE = 20
/** No message is begun so shortly before its lease ends, and none is held longer, in milliseconds. */
const MARGIN = 2000
/** A server that puts off so many takes nothing at present. */
const PUT_OFF = 5000

export async function send(parts: SendingParts, wanted: Wanted): Promise<Sent> {
  return new Sending(parts, wanted).run()
}

class Sending {
  readonly #parts: SendingParts
  readonly #wanted: Wanted
  readonly #sent: Sent = {
    sent: 0,
    failed: 0,
    later: 0,
    unknown: 0,
    again: 0,
    withdrawn: 0,
    late: 0,
    unacknowledged: 0,
  }
  /** Held until shortly before their leases end: given back at once, they would be claimed again at once. */
  readonly #putOff = new Map<number, { deadline: number; acknowledgement: Acknowledgement }>()
  /** What was given back by this run: nothing of it was taken, so the next attempt is no repetition. */
  readonly #notTaken = new Set<string>()
  #downs = 0

  constructor(parts: SendingParts, wanted: Wanted) {
    this.#parts = parts
    this.#wanted = wanted
  }

  async run(): Promise<Sent> {
    const { line, stop, progress, every = 2000 } = this.#parts
    const { limit, watch } = this.#wanted
    let tried = 0
    try {
      while (!stop.aborted && (limit === undefined || tried < limit)) {
        await this.#giveBack(performance.now())
        // Before anything is claimed: what cannot be sent should not be held.
        const down = this.#putOff.size >= PUT_OFF ? 'it puts everything off' : await line.open()
        if (down !== undefined) {
          if (!(await this.#rest(down))) break
          continue
        }
        const room = Math.min(AT_ONCE, limit === undefined ? AT_ONCE : limit - tried)
        const deadline = performance.now() + this.#wanted.lease * 1000 - MARGIN
        const claims = await this.#claim(room)
        if (claims.length === 0) {
          if (!watch) break
          line.quit()
          await pause(every, stop)
          continue
        }
        tried += claims.length
        const fell = await this.#sendAll(claims, deadline)
        progress(this.#sent)
        if (fell !== undefined && !(await this.#rest(fell))) break
      }
    } finally {
      line.quit()
      await this.#giveBack(Infinity)
    }
    return this.#sent
  }

  async #claim(limit: number): Promise<Claimed[]> {
    const { channel, campaign, environment, lease } = this.#wanted
    const { claims } = await this.#parts.client.claim({
      types: ['send'],
      channel,
      lease,
      limit,
      ...(campaign === undefined ? {} : { campaign }),
      ...(environment === undefined ? {} : { environment }),
    })
    return claims
  }

  /** Sends claims one after the other. Why the server takes nothing any more, if it does not. */
  async #sendAll(claims: readonly Claimed[], deadline: number): Promise<string | undefined> {
    const { stop } = this.#parts
    const acknowledged: Promise<void>[] = []
    let [down, unheard] = [undefined as string | undefined, undefined as { error: unknown } | undefined]
    const acknowledge = (one: Acknowledgement): void =>
      void acknowledged.push(
        this.#acknowledge([one]).catch((error: unknown) => {
          unheard = { error }
        }),
      )
    for (const claim of claims) {
      if (down !== undefined || unheard !== undefined || stop.aborted || performance.now() > deadline) {
        this.#sent.later++
        this.#notTaken.add(claim.idempotencyKey)
        acknowledge({ claim: claim.claim, status: 'returned', reason: 'not tried' })
        continue
      }
      const outcome = await this.#sendOne(claim, deadline)
      if (outcome === undefined) continue
      if ('down' in outcome) {
        down = outcome.down
        this.#downs++
      } else this.#downs = 0
      acknowledge(outcome.acknowledgement)
    }
    await Promise.all(acknowledged)
    // Nobody hears what became of messages: none more is sent.
    if (unheard !== undefined) throw unheard.error
    return down
  }

  /** Tries one. Nothing is acknowledged of what was put off, or may have been taken. */
  async #sendOne(
    claim: Claimed,
    deadline: number,
  ): Promise<{ acknowledgement: Acknowledgement; down?: string } | undefined> {
    const { letterhead, line, say } = this.#parts
    const sent = this.#sent
    const failed = (reason: string): { acknowledgement: Acknowledgement } => {
      sent.failed++
      say(`claim ${claim.claim} failed: ${reason}`)
      return { acknowledgement: { claim: claim.claim, status: 'failed', reason } }
    }
    const message = await write(claim, letterhead)
    if (typeof message === 'string') return failed(message)
    if (claim.attempt > 1 && !this.#notTaken.has(claim.idempotencyKey)) {
      sent.again++
      say(
        `claim ${claim.claim} is attempt ${claim.attempt}: an earlier one may have arrived, under the same Message-ID`,
      )
    }
    const answer = await line.send({ from: letterhead.from.address, to: message.to }, message.bytes)
    switch (answer.state) {
      case 'accepted':
        sent.sent++
        return {
          acknowledgement: { claim: claim.claim, status: 'sent', providerId: answer.serverId ?? message.messageId },
        }
      case 'refused':
        return failed(answer.reason)
      case 'down':
        sent.later++
        this.#notTaken.add(claim.idempotencyKey)
        return { acknowledgement: { claim: claim.claim, status: 'returned', reason: 'not tried' }, down: answer.reason }
      case 'unknown':
        sent.unknown++
        this.#notTaken.delete(claim.idempotencyKey)
        say(`claim ${claim.claim}: ${answer.reason}; it goes out again when its lease is over`)
        return undefined
      case 'later': {
        if (claim.attempt >= this.#wanted.attempts) return failed(`put off ${claim.attempt} times: ${answer.reason}`)
        sent.later++
        this.#notTaken.add(claim.idempotencyKey)
        const acknowledgement = { claim: claim.claim, status: 'returned' as const, reason: answer.reason }
        this.#putOff.set(claim.claim, { deadline, acknowledgement })
        return undefined
      }
    }
  }

  /** Gives back what was put off and is due by a time. */
  async #giveBack(due: number): Promise<void> {
    const given = [...this.#putOff].filter(([, { deadline }]) => deadline <= due).slice(0, 1000)
    for (const [claim] of given) this.#putOff.delete(claim)
    if (given.length > 0) await this.#acknowledge(given.map(([, { acknowledgement }]) => acknowledgement))
    if (given.length === 1000) await this.#giveBack(due)
  }

  /** Says what became of claims, and says it again where it was not heard: the same again is a duplicate. */
  async #acknowledge(results: Acknowledgement[]): Promise<void> {
    const { client, say } = this.#parts
    const sent = this.#sent
    for (let attempt = 0; ; attempt++) {
      try {
        for (const one of (await client.acknowledge(results)).results) {
          if ('problem' in one) {
            sent.unacknowledged++
            say(`claim ${one.claim} was not acknowledged: ${one.problem.message}`)
            continue
          }
          if (one.late) sent.late++
          if (one.withdrawn !== undefined && one.status === 'sent') sent.withdrawn++
        }
        return
      } catch (error) {
        if (attempt < 3) {
          await wait(250 * 4 ** attempt)
          continue
        }
        sent.unacknowledged += results.length
        say(
          `${results.length === 1 ? `claim ${results[0]!.claim} was` : `${results.length} claims were`} not acknowledged, and what was sent goes out again when the lease is over`,
        )
        throw error
      }
    }
  }

  /** Waits where the SMTP server takes nothing. False: this run ends with it. */
  async #rest(down: string): Promise<boolean> {
    const { say, stop, every = 2000 } = this.#parts
    if (!this.#wanted.watch) {
      this.#sent.stopped = down
      return false
    }
    if (this.#downs <= 1) say(`the SMTP server: ${down}; trying again`)
    await pause(Math.min(60_000, every * 2 ** Math.min(this.#downs++, 5)), stop)
    return true
  }
}

async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal: stop }).catch(() => {})
}
