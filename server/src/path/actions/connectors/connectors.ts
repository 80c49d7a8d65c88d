// The connected systems in force, and which of them owns something.
import type { ConnectedState, Connectors as ConnectorsList } from '@whence/sdk'
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { Clock } from '../../../record/time.ts'
import { owns } from '../../../rules/connectors/connector-file.ts'
import type { ConnectorFile } from '../../../rules/connectors/connector-file.ts'
import type { ConnectedObject, Connector, ConnectorKind } from '../../../rules/connectors/connector.ts'
import type { FarSystem } from '../../../store/connectors/far-system.ts'
import { httpSystem } from '../../../store/connectors/http.ts'
import { listmonkSystem } from '../../../store/connectors/listmonk.ts'
import { authorizationOf } from '../../../store/connectors/request.ts'
import type { Reached } from '../../../store/connectors/request.ts'
import type { PolicyBook, PolicyInForce } from '../../events/policy-book.ts'
import { ConfirmedConnector } from './confirmed.ts'

/** Who owns something: exactly one connected system, or a sentence that says why none can be asked. */
export type Owning =
  | { readonly state: 'owned'; readonly connector: Connector }
  | { readonly state: 'unowned' | 'contested' | 'unusable'; readonly detail: string }

export interface ConnectorsParts {
  ledger: Ledger
  clock: Clock
  book: PolicyBook<ConnectorFile>
  /** By the names of the environment's variables that hold them. */
  secrets: Readonly<Record<string, string>>
  /** In the place of every connected system: for a drill, which reaches nobody and needs no secret. */
  system?: ((name: string) => FarSystem) | undefined
}

const systems: Record<ConnectorKind, (reached: Reached, ids: ReadonlyMap<string, string>) => FarSystem> = {
  http: httpSystem,
  listmonk: listmonkSystem,
}

export class Connectors {
  readonly #parts: ConnectorsParts
  /** By `name@vN`, so that wishes for one object come one after the other, whoever has them. */
  readonly #open = new Map<string, Connector>()

  constructor(parts: ConnectorsParts) {
    this.#parts = parts
  }

  inForce(): Promise<PolicyInForce<ConnectorFile>[]> {
    return this.#parts.book.inForce(this.#parts.ledger.size)
  }

  /** Which connected system owns an object by its file in force. Two that claim it are a contest: none is asked. */
  async owning(object: ConnectedObject): Promise<Owning> {
    const claiming = (await this.inForce()).filter(({ policy }) => owns(policy, object))
    const [one, other] = claiming
    if (one === undefined) return { state: 'unowned', detail: `no connector in force owns this ${object.kind}` }
    if (other !== undefined) {
      const names = claiming.map(({ policy }) => policy.name).join(', ')
      return { state: 'contested', detail: `several connectors own this ${object.kind}: ${names}` }
    }
    return this.#opened(one)
  }

  async list(): Promise<ConnectorsList> {
    const all = await this.inForce()
    return {
      connectors: all.map(({ policy, version, seq }) => ({
        name: policy.name,
        version,
        seq,
        type: policy.type,
        url: policy.url,
        owns: Object.fromEntries(Object.entries(policy.owns).map(([kind, patterns]) => [kind, patterns ?? []])),
        missing: this.missing(policy),
      })),
    }
  }

  /** Asks whoever owns an object how it stands. */
  async state(object: ConnectedObject): Promise<ConnectedState> {
    const owning = await this.owning(object)
    if (owning.state !== 'owned') return { object, state: owning.state, detail: owning.detail }
    const { connector } = owning
    const about = { object, connector: connector.policy }
    if (object.kind === 'campaign') {
      const reading = await connector.counts(object.id)
      if (reading.state !== 'answered') return { ...about, ...reading }
      return { ...about, state: 'answered', value: reading.value.status, counts: reading.value, asked: reading.asked }
    }
    return { ...about, ...(await connector.read(object)) }
  }

  /** The variables that a file names and that are not set. */
  missing({ credentials }: ConnectorFile): string[] {
    if (this.#parts.system) return []
    return Object.values(credentials ?? {}).filter((variable) => !this.#parts.secrets[variable])
  }

  #opened({ policy, version }: PolicyInForce<ConnectorFile>): Owning {
    const missing = this.missing(policy)
    if (missing.length > 0)
      return { state: 'unusable', detail: `connector ${policy.name} needs ${missing.join(' and ')} in the environment` }
    const key = `${policy.name}@v${version}`
    let connector = this.#open.get(key)
    if (connector === undefined) this.#open.set(key, (connector = this.#connect(policy, key)))
    return { state: 'owned', connector }
  }

  #connect(file: ConnectorFile, key: string): Connector {
    const { secrets, clock } = this.#parts
    const { name, type, url, campaigns, credentials, timeout, retries, confirmWithin } = file
    const rehearsed = this.#parts.system?.(name)
    if (rehearsed)
      return new ConfirmedConnector({ name, kind: type, policy: key, system: rehearsed, retries, confirmWithin, clock })
    const given =
      credentials === undefined
        ? undefined
        : 'token' in credentials
          ? { token: secrets[credentials.token]! }
          : { user: secrets[credentials.user]!, password: secrets[credentials.password]! }
    const reached = { url: url.replace(/\/+$/, ''), authorization: authorizationOf(given), timeoutMs: timeout }
    const system = systems[type](reached, new Map(Object.entries(campaigns)))
    return new ConfirmedConnector({ name, kind: type, policy: key, system, retries, confirmWithin, clock })
  }
}
