// Links by which one person is opted out with one click (RFC 8058), without a key: the link is one, signed, for that person
// only. It names them by their subject id, holds for good, and survives a restart: mail is read late.
import type { OptOutLink, OptOutLinkRequest } from '@whence/sdk'
import { Channel } from '@whence/sdk'
import { hash, timingSafeEqual } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { hmac, hmacKey } from '../../record/subjects/hmac.ts'
import type { HmacKey } from '../../record/subjects/hmac.ts'
import type { ConsentStanding } from './standing.ts'
import type { OptOuts } from './opt-outs.ts'
import { foundId } from './who.ts'

const MAC_BYTES = 24

/** Who opts out by a link: nobody with a key. */
const caller = { id: 'opt-out-link', name: 'opt-out-link', source: 'opt-out-link', scopes: ['ingest' as const] }

export interface Linked {
  readonly subject: string
  readonly channel: string | undefined
}

export class OptOutLinks {
  readonly #ledger: Ledger
  readonly #standing: ConsentStanding
  readonly #optOuts: OptOuts
  readonly #key: HmacKey

  constructor(parts: { ledger: Ledger; standing: ConsentStanding; optOuts: OptOuts }) {
    this.#ledger = parts.ledger
    this.#standing = parts.standing
    this.#optOuts = parts.optOuts
    this.#key = hmacKey('sha256', hmac(parts.ledger.subjects.idKey, Buffer.from('whence/opt-out-link/v1')))
  }

  /** The link of somebody who is known. Throws `not_found`. */
  issue(request: OptOutLinkRequest, base: string): OptOutLink {
    const subject = foundId(this.#ledger.subjects, request)
    if (subject === undefined || subject === 'erased' || this.#ledger.subjects.isGone(subject))
      throw new Fault('not_found', 'nothing is recorded about such a person, or they were erased')
    return this.of({ subject, channel: request.channel }, base)
  }

  /** The link of a person by their subject id. */
  of(linked: Linked, base: string): OptOutLink {
    const url = `${base}/opt-out/${this.token(linked)}`
    return {
      url,
      headers: { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
    }
  }

  token({ subject, channel = '' }: Linked): string {
    const said = Buffer.concat([Buffer.from(subject, 'hex'), Buffer.from(channel, 'latin1')])
    return Buffer.concat([said, this.#mac(said)]).toString('base64url')
  }

  /** Whom a link is for. Throws `forbidden`. */
  read(token: string): Linked {
    const bytes = Buffer.from(token.slice(0, 200), 'base64url')
    const said = bytes.subarray(0, Math.max(0, bytes.length - MAC_BYTES))
    const channel = said.toString('latin1', 16)
    if (
      bytes.toString('base64url') !== token ||
      said.length < 16 ||
      !timingSafeEqual(bytes.subarray(said.length), this.#mac(said)) ||
      (channel !== '' && !Channel.safeParse(channel).success)
    )
      throw new Fault('forbidden', 'this link is not valid: it was cut off, or altered. Use the one in the message.')
    return { subject: said.toString('hex', 0, 16), channel: channel === '' ? undefined : channel }
  }

  /** Opts the person out. The same click again is one, until they allow something again. Durable when it resolves. */
  async take(token: string): Promise<Linked> {
    const linked = this.read(token)
    // Of whoever was erased nothing is recorded again, and nothing can be sent to them.
    if (this.#ledger.subjects.isGone(linked.subject)) return linked
    const since = this.#standing.lastAllowed(linked.subject)
    const id = `${hash('sha256', token, 'hex').slice(0, 32)}.${since}`
    const { results } = await this.#optOuts.record([{ ...linked, id }], caller)
    const [result] = results
    if (result?.status === 'refused' && !this.#ledger.subjects.isGone(linked.subject))
      throw new Fault('unavailable', `this could not be recorded: ${result.problem.message}`)
    return linked
  }

  #mac(said: Uint8Array): Buffer {
    return Buffer.from(hmac(this.#key, said)).subarray(0, MAC_BYTES)
  }
}
