// A connected system, believed only when asked again. Its driver asks once; here it is asked again where it did not answer,
// told what is wished, and asked until it shows it.
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { formatTime } from '../../../record/time.ts'
import type { Clock } from '../../../record/time.ts'
import type {
  CampaignCounts,
  Confirmation,
  ConnectedObject,
  Connector,
  ConnectorKind,
  Reading,
  Shown,
  Unanswered,
} from '../../../rules/connectors/connector.ts'
import type { FarSystem } from '../../../store/connectors/far-system.ts'
import type { NoReply } from '../../../store/connectors/request.ts'

export interface ConfirmedParts {
  readonly name: string
  readonly kind: ConnectorKind
  readonly policy: string
  readonly system: FarSystem
  /** Requests more, where one was not answered. */
  readonly retries: number
  /** How long it is asked until it shows what was wished, in milliseconds. */
  readonly confirmWithin: number
  readonly clock: Clock
  /** Between two tries, at first, in milliseconds; twice as long each time. */
  readonly between?: number
}

/** One wish: how to see how things stand, what counts as fulfilled, and how to bring it about. */
interface Wish {
  look(): Promise<Reading<Seen>>
  /** How what is wished is said of it. */
  readonly wish: string
  done(shown: Shown): boolean
  /** Whether it may be touched as it stands. */
  expected(shown: Shown): boolean
  act(): Promise<{ readonly value: unknown } | NoReply>
}

interface Seen {
  readonly shown: Shown
  readonly counts?: CampaignCounts
}

/** Nothing goes out of a campaign that stands so. */
const AT_REST: ReadonlySet<Shown> = new Set(['paused', 'draft', 'finished', 'cancelled'])

export class ConfirmedConnector implements Connector {
  readonly name: string
  readonly kind: ConnectorKind
  readonly policy: string
  readonly #parts: ConfirmedParts
  /** What is under way, by object: two wishes for one object come one after the other. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(parts: ConfirmedParts) {
    this.#parts = parts
    this.name = parts.name
    this.kind = parts.kind
    this.policy = parts.policy
  }

  pause(campaign: string): Promise<Confirmation> {
    return this.#alone({ kind: 'campaign', id: campaign }, async () => {
      const paused = await this.#fulfil({
        look: () => this.#lookAt({ kind: 'campaign', id: campaign }),
        wish: 'that nothing more goes out',
        done: (shown) => AT_REST.has(shown),
        expected: () => true,
        act: () => this.#parts.system.setStatus(campaign, 'paused'),
      })
      return paused.state === 'confirmed' ? this.#settle(campaign, paused) : paused
    })
  }

  resume(campaign: string): Promise<Confirmation> {
    return this.write({ kind: 'campaign', id: campaign }, 'running', 'paused')
  }

  async counts(campaign: string): Promise<Reading<CampaignCounts>> {
    return this.#answered(() => this.#parts.system.campaign(campaign))
  }

  async read(object: ConnectedObject): Promise<Reading<Shown>> {
    const seen = await this.#lookAt(object)
    return seen.state === 'answered' ? { ...seen, value: seen.value.shown } : seen
  }

  write(object: ConnectedObject, value: Shown, expected: Shown): Promise<Confirmation> {
    const { system, clock } = this.#parts
    const { kind, id } = object
    if (kind === 'campaign' && value !== 'running' && value !== 'paused') {
      const detail = 'a campaign can be set to running or paused only'
      return Promise.resolve({ state: 'failed', detail, acted: false, asked: formatTime(clock.now()) })
    }
    return this.#alone(object, () =>
      this.#fulfil({
        look: () => this.#lookAt(object),
        wish: kind === 'campaign' ? `that it is ${value as string}` : 'the value asked for',
        done: (shown) => isDeepStrictEqual(shown, value),
        expected: (shown) => isDeepStrictEqual(shown, expected),
        act: () =>
          kind === 'campaign'
            ? system.setStatus(id, value as 'running' | 'paused')
            : system.write(kind, id, value, expected),
      }),
    )
  }

  async #fulfil({ look, wish, done, expected, act }: Wish): Promise<Confirmation> {
    const { retries, confirmWithin, between = 200 } = this.#parts
    const first = await look()
    if (first.state !== 'answered')
      return { ...first, detail: `nothing was done: asked how it stands, ${first.detail}`, acted: false }
    const before = first.value.shown
    if (done(before)) return told('confirmed', `it showed ${wish} before anything was done`, first, first, false)
    if (!expected(before))
      return told('moved', 'it does not show what was expected, so nothing was done', first, first, false)

    let [last, seen] = [first as Reading<Seen>, first]
    let answer = await act()
    for (let attempt = 0; ; attempt++) {
      last = await look()
      if (last.state === 'answered') {
        seen = last
        if (done(last.value.shown))
          return told('confirmed', `asked again, it shows ${wish}${although(answer)}`, first, last, true)
        // Somebody else was faster; or it did something that nobody wished.
        if (!isDeepStrictEqual(last.value.shown, before)) break
      }
      if (!('failure' in answer) || answer.failure === 'refused' || attempt >= retries) break
      await wait(between * 2 ** attempt)
      answer = await act()
    }
    // It said yes, or nothing: it may need time. What was refused will not come to pass by waiting.
    const until = performance.now() + confirmWithin
    for (let pause = between; !refused(answer) && performance.now() < until; pause = Math.min(2000, pause * 2)) {
      await wait(Math.max(0, Math.min(pause, until - performance.now())))
      last = await look()
      if (last.state !== 'answered') continue
      seen = last
      if (done(last.value.shown))
        return told('confirmed', `asked again, it shows ${wish}${although(answer)}`, first, last, true)
    }
    if (last.state !== 'answered')
      return {
        ...told('unconfirmed', `${said(answer)}, and asked again, ${last.detail}`, first, undefined, true),
        asked: last.asked,
      }
    if (!('failure' in answer)) return told('unconfirmed', `it said yes and does not show ${wish}`, first, seen, true)
    const state = answer.failure === 'timeout' ? 'timed-out' : 'failed'
    return told(state, `${answer.reason}, and it does not show ${wish}`, first, seen, true)
  }

  /** What was handed over when it was paused may still be on its way: asks until two readings in a row are the same. */
  async #settle(campaign: string, paused: Confirmation): Promise<Confirmation> {
    const { confirmWithin, between = 200 } = this.#parts
    let counts = paused.counts
    if (counts?.sent === undefined) return paused
    const until = performance.now() + confirmWithin
    for (;;) {
      await wait(between * 5)
      const reading = await this.counts(campaign)
      if (reading.state === 'answered') {
        const { status, sent } = reading.value
        const last = { ...paused, after: status, asked: reading.asked, counts: reading.value }
        if (!AT_REST.has(status))
          return { ...last, state: 'unconfirmed', detail: 'it showed the pause, and then something else again' }
        if (sent === counts.sent) return { ...last, settled: true }
        counts = reading.value
      }
      if (performance.now() >= until)
        return { ...paused, counts, settled: false, detail: `${paused.detail}; its counts still move` }
    }
  }

  async #lookAt({ kind, id }: ConnectedObject): Promise<Reading<Seen>> {
    const { system } = this.#parts
    if (kind !== 'campaign')
      return this.#answered(async () => {
        const reply = await system.read(kind, id)
        return 'failure' in reply ? reply : { value: { shown: reply.value } }
      })
    const reading = await this.counts(id)
    if (reading.state !== 'answered') return reading
    return { ...reading, value: { shown: reading.value.status, counts: reading.value } }
  }

  /** Asks, and asks again where that may help. */
  async #answered<T>(ask: () => Promise<{ readonly value: T } | NoReply>): Promise<Reading<T>> {
    const { retries, clock, between = 200 } = this.#parts
    for (let attempt = 0; ; attempt++) {
      const reply = await ask()
      const asked = formatTime(clock.now())
      if (!('failure' in reply)) return { state: 'answered', value: reply.value, asked }
      if (reply.failure === 'refused' || attempt >= retries) return unanswered(reply, asked)
      await wait(between * 2 ** attempt)
    }
  }

  async #alone<T>({ kind, id }: ConnectedObject, run: () => Promise<T>): Promise<T> {
    const key = `${kind} ${id}`
    const before = this.#underWay.get(key) ?? Promise.resolve()
    const mine = before.then(run, run)
    this.#underWay.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#underWay.get(key) === mine) this.#underWay.delete(key)
    }
  }
}

function told(
  state: Confirmation['state'],
  detail: string,
  first: Extract<Reading<Seen>, { state: 'answered' }>,
  last: Extract<Reading<Seen>, { state: 'answered' }> | undefined,
  acted: boolean,
): Confirmation {
  const counts = last?.value.counts
  return {
    state,
    detail,
    before: first.value.shown,
    ...(last === undefined ? {} : { after: last.value.shown }),
    acted,
    asked: (last ?? first).asked,
    ...(counts === undefined ? {} : { counts }),
  }
}

function unanswered({ failure, reason }: NoReply, asked: string): Unanswered {
  return { state: failure === 'timeout' ? 'timed-out' : 'failed', detail: reason, asked }
}

function refused(answer: { readonly value: unknown } | NoReply): boolean {
  return 'failure' in answer && answer.failure === 'refused'
}

function said(answer: { readonly value: unknown } | NoReply): string {
  return 'failure' in answer ? answer.reason : 'it said yes'
}

function although(answer: { readonly value: unknown } | NoReply): string {
  return 'failure' in answer ? `, although ${answer.reason}` : ''
}
