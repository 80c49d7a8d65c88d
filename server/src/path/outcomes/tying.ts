// To which action an outcome belongs, and whose it is: asked of the tables, for many at once.
import type { OutcomeTie } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Subject } from '../../record/subjects/subjects.ts'
import type { Micros } from '../../record/time.ts'
import { DAY, SECOND } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import type { Actions } from '../actions/actions.ts'
import { messageDigest } from '../actions/recorded.ts'
import { minted } from '../consent/who.ts'
import { addressDigest, plainAddress } from './recorded.ts'
import type { Told } from './told.ts'

export interface Tied {
  /** Keyed digests of message and address. */
  readonly message: string | undefined
  readonly address: string | undefined
  readonly action: number | undefined
  readonly tie: OutcomeTie | undefined
  readonly subject: Subject | 'erased'
  /** True: the subject is the address, or the message, because nobody knows whose it is. */
  readonly unowned: boolean
}

/** A message is answered, opened or complained of for so long after it was sent to an address. */
const ANSWERED: Micros = 30 * DAY
/** The provider's clock and ours. */
const SKEW: Micros = 300 * SECOND

interface Sent {
  action: number
  subject: string
  at: Micros
  channel: string | null
  campaign: string | null
}

export interface TyingParts {
  ledger: Ledger
  follower: Follower
  database: Database
  actions: Actions
}

export class Tying {
  readonly #parts: TyingParts

  constructor(parts: TyingParts) {
    this.#parts = parts
  }

  /** In the order of what was told. Knows every delivery that was acknowledged before it was asked. */
  async tie(all: readonly { told: Told; time: Micros }[]): Promise<Tied[]> {
    const { ledger, follower } = this.#parts
    const { idKey } = ledger.subjects
    await follower.reach('action', 'delivery', 'erasure')
    const digests = all.map(({ told: { content } }) => ({
      message: content.message === undefined ? undefined : messageDigest(idKey, content.message),
      address: content.recipient === undefined ? undefined : addressDigest(idKey, content.recipient),
    }))
    const messages = await this.#messages(digests.flatMap(({ message }) => message ?? []))
    // Most are found by their message, and nothing else is asked for.
    const others = digests.filter(({ message }) => message === undefined || !messages.has(message))
    const addresses = [...new Set(others.flatMap(({ address }) => address ?? []))]
    const owners = await this.#owners(addresses)
    // Where nobody was ever written to nothing was sent either.
    const sent = await this.#sent([...owners.keys()])
    const tied: Tied[] = []
    for (const [i, { told, time }] of all.entries()) {
      const { message, address } = digests[i]!
      const byMessage = message === undefined ? undefined : messages.get(message)
      const named =
        byMessage === undefined && told.content.action !== undefined
          ? await this.#named(told.content.action)
          : undefined
      const bySend =
        byMessage === undefined && named === undefined && address !== undefined
          ? sendOf(sent.get(address) ?? [], told, time)
          : undefined
      const action = byMessage?.action ?? named?.action ?? bySend?.action
      const owner = byMessage?.subject ?? named?.subject ?? bySend?.subject
      const tie = byMessage ? 'message' : named ? 'action' : bySend ? 'recipient' : undefined
      tied.push({ message, address, action, tie, ...this.#subject(told, owner ?? (address && owners.get(address))) })
    }
    return tied
  }

  /** Whose it is: of whom the teller says, of the action, of whoever was written to there; else of the address itself. */
  #subject(told: Told, owner: string | undefined): { subject: Subject | 'erased'; unowned: boolean } {
    const { subjects } = this.#parts.ledger
    const { person, content, subjectType } = told
    const known = (subject: Subject | 'erased' | undefined) =>
      subject === undefined ? undefined : { subject, unowned: false }
    if (person.identifier !== undefined || person.subject !== undefined)
      return { subject: minted(subjects, person) ?? 'erased', unowned: false }
    const found =
      known(owner === undefined ? undefined : (subjects.byId(owner) ?? 'erased')) ??
      (content.recipient === undefined ? undefined : known(subjects.find(subjectType, content.recipient)))
    if (found) return found
    const { recipient, message } = content
    if (recipient !== undefined) return { subject: subjects.mint('email', plainAddress(recipient)), unowned: true }
    return { subject: subjects.mint('message', message ?? told.id), unowned: true }
  }

  async #messages(messages: readonly string[]): Promise<Map<string, { action: number; subject: string }>> {
    if (messages.length === 0) return new Map()
    const rows = await this.#parts.database.query<{ message: string; action: bigint; subject: string }>(
      'select message, action, subject from outcome_message where message = any($1::text[])',
      [messages],
    )
    return new Map(rows.map(({ message, action, subject }) => [message, { action: Number(action), subject }]))
  }

  /** Whoever was written to last at each address. */
  async #owners(addresses: readonly string[]): Promise<Map<string, string>> {
    if (addresses.length === 0) return new Map()
    const rows = await this.#parts.database.query<{ address: string; subject: string }>(
      `select distinct on (address) address, subject from outcome_address where address = any($1::text[])
       order by address, action desc`,
      [addresses],
    )
    return new Map(rows.map(({ address, subject }) => [address, subject]))
  }

  /** What was sent to each address, of which no sender said the provider's id: of others the id decides. */
  async #sent(addresses: readonly string[]): Promise<Map<string, Sent[]>> {
    if (addresses.length === 0) return new Map()
    const rows = await this.#parts.database.query<{
      address: string
      action: bigint
      subject: string
      at: bigint
      channel: string | null
      campaign: string | null
    }>(
      `select known.address, action.seq as action, action.subject, max(delivery.at) as at, action.channel, action.campaign
       from outcome_address known
       join action on action.seq = known.action and action.state = 'sent' and action.message is null
       join action_delivery delivery on delivery.action = action.seq and delivery.status = 'sent'
       where known.address = any($1::text[]) and action.subject is not null
       group by known.address, action.seq, action.subject, action.channel, action.campaign
       order by at`,
      [addresses],
    )
    const sent = new Map<string, Sent[]>()
    for (const { address, action, at, ...row } of rows) {
      const one = { ...row, action: Number(action), at: Number(at) }
      const known = sent.get(address)
      if (known) known.push(one)
      else sent.set(address, [one])
    }
    return sent
  }

  /** An action by its id, or by the idempotency key of its claim. */
  async #named(said: string): Promise<{ action: number; subject: string } | undefined> {
    const { ledger, actions } = this.#parts
    const own = said.startsWith(`${ledger.origin}/`) ? said.slice(ledger.origin.length + 1) : undefined
    let action: number
    try {
      action = own !== undefined && /^\d{1,15}$/.test(own) ? Number(own) : await actions.locate(said)
    } catch (error) {
      if (isFault(error, 'not_found') || isFault(error, 'conflict')) return undefined
      throw error
    }
    if (action >= ledger.size || kindOf(ledger.entry(action)) !== 'action') return undefined
    const { subject, erased } = ledger.line(action)
    return erased ? undefined : { action, subject }
  }
}

/** The last message that had gone to the address by then. */
function sendOf(sent: readonly Sent[], { channel, campaign }: Told, time: Micros): Sent | undefined {
  return sent.findLast(
    (one) =>
      one.at <= time + SKEW &&
      one.at > time - ANSWERED &&
      (one.channel === null || one.channel === channel) &&
      (campaign === undefined || one.campaign === null || one.campaign === campaign),
  )
}
