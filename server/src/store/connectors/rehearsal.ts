// The world outside as a drill meets it: connected systems that do at once what they are told and show it, people who are
// told and are not, and scorers that nobody asks. Nothing leaves the machine; what would have is written down.
import type { ScorerRequest, ScorerResponse } from '../scorer-http.ts'
import type { FarCampaign, FarSystem } from './far-system.ts'

/** Everything through which a server reaches others of its own accord. */
export interface Outside {
  /** Scorers that gates ask. */
  ask(request: ScorerRequest): Promise<ScorerResponse>
  /** Those whom a playbook tells. */
  post(request: ScorerRequest): Promise<ScorerResponse>
  /** In the place of every connected system; absent: the systems themselves. */
  system?(name: string): FarSystem
}

/** What would have left the machine. `what` names objects and places, and no content. */
export interface Rehearsed {
  readonly whom: string
  readonly what: string
}

export class Rehearsal implements Outside {
  readonly heard: Rehearsed[] = []
  readonly #systems = new Map<string, FarSystem>()

  async ask({ url }: ScorerRequest): Promise<ScorerResponse> {
    this.#note(`scorer at ${hostOf(url)}`, 'would be asked about a text')
    return { failure: 'unreachable', reason: 'a drill asks no scorer' }
  }

  async post({ url }: ScorerRequest): Promise<ScorerResponse> {
    this.#note(hostOf(url), 'would be told')
    return { status: 200, body: '' }
  }

  system(name: string): FarSystem {
    let system = this.#systems.get(name)
    if (!system) this.#systems.set(name, (system = this.#obedient(name)))
    return system
  }

  /** It shows what it was told last; before that a campaign that runs, and nothing under any other name. */
  #obedient(name: string): FarSystem {
    const statuses = new Map<string, FarCampaign['status']>()
    const values = new Map<string, unknown>()
    return {
      campaign: async (id) => {
        const status = statuses.get(id) ?? 'running'
        return { value: { status, said: status } }
      },
      setStatus: async (id, status) => {
        this.#note(name, `would be asked to set the campaign ${id} to ${status}`)
        statuses.set(id, status)
        return { value: undefined }
      },
      read: async (kind, id) => ({ value: values.get(`${kind}:${id}`) }),
      write: async (kind, id, value) => {
        this.#note(name, `would be asked to set the ${kind} ${id}`)
        values.set(`${kind}:${id}`, value)
        return { value: undefined }
      },
    }
  }

  #note(whom: string, what: string): void {
    this.heard.push({ whom, what })
  }
}

/** An address may carry a secret in its path. */
function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'an address that is none'
}
