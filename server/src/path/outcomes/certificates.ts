// Certificates of Amazon SNS, fetched from SNS itself and kept: a few, each for a day.
import { Fault } from '../../fault.ts'

/** As `fetch`, of what is asked here. */
export type Fetch = (
  url: string,
  options: { redirect: 'error'; signal: AbortSignal },
) => Promise<{ ok: boolean; status: number; text(): Promise<string> }>

const KEPT = 20
const LASTS = 86_400_000
const PATIENCE = 5000
const LONGEST = 65_536

export class Certificates {
  readonly #fetch: Fetch
  readonly #kept = new Map<string, { text: Promise<string>; until: number }>()

  constructor(fetch: Fetch) {
    this.#fetch = fetch
  }

  /** In PEM. Throws `unavailable`: the provider tries again. */
  get(url: string): Promise<string> {
    const kept = this.#kept.get(url)
    if (kept !== undefined && kept.until > Date.now()) return kept.text
    const text = this.ask(url)
    this.#kept.set(url, { text, until: Date.now() + LASTS })
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    // What failed is asked for again.
    text.catch(() => this.#kept.delete(url))
    return text
  }

  /** What stands at an address of SNS. Throws `unavailable`. */
  async ask(url: string): Promise<string> {
    const { host } = new URL(url)
    try {
      const answer = await this.#fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE) })
      const text = await answer.text()
      if (!answer.ok || text.length > LONGEST) throw new Error(`it answers ${answer.status}`)
      return text
    } catch (cause) {
      throw new Fault('unavailable', `${host} could not be asked: ${(cause as Error).message}`, { cause })
    }
  }
}
