// Capture policies: putting one into force is a record; its newest version counts. docs/spec/predictions.md, "Tiers".
import type { Draft } from '../../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../../record/projection/follower.ts'
import type { Clock } from '../../../record/time.ts'
import type { CapturePolicy } from '../../../rules/capture/policy.ts'
import { parseCapturePolicy } from '../../../rules/capture/policy.ts'
import type { PolicyInForce } from '../../../rules/capture/tier.ts'
import type { Database } from '../../../store/database.ts'
import { removed } from '../../events/plan-records.ts'

export const captureProjection: Projection = {
  tables: ['capture_policy'],
  kinds: ['capture'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const { name, version } = record.entry.refs
      await tx.query('insert into capture_policy (name, version, seq, body) values ($1, $2, $3, $4)', [
        name,
        Number(version),
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

/** A file, judged against what is in force. */
export interface PreparedCapture {
  path: string
  text: string
  policy: CapturePolicy
  before: { version: number; policy: CapturePolicy } | undefined
  version: number
  change: 'new' | 'unchanged' | 'major'
}

export class CaptureBook {
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(parts: { follower: Follower; database: Database; clock: Clock }) {
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
  }

  /** What applying a file would do; throws what is wrong with it. The same text again is the same version. */
  async prepare(path: string, text: string): Promise<PreparedCapture> {
    const policy = parseCapturePolicy(text, path)
    await this.#follower.reach('capture')
    const [newest] = await this.#database.query<{ version: number; body: string }>(
      'select version, body from capture_policy where name = $1 order by version desc limit 1',
      [policy.name],
    )
    const gone = await removed(this.#database, this.#follower, 'capture', Number.MAX_SAFE_INTEGER)
    const unchanged = newest?.body === text && !gone.has(policy.name)
    return {
      path,
      text,
      policy,
      before: newest && { version: newest.version, policy: parseCapturePolicy(newest.body, path) },
      version: unchanged ? newest.version : (newest?.version ?? 0) + 1,
      change: unchanged ? 'unchanged' : newest && !gone.has(policy.name) ? 'major' : 'new',
    }
  }

  /** The record that puts a policy into force. */
  draft({ policy: { name }, text, version }: PreparedCapture): Draft {
    return {
      kind: 'capture/1',
      stream: 'whence.capture',
      source: 'whence',
      id: `${name}@v${version}`,
      time: this.#clock.now(),
      refs: { name, version: String(version) },
      content: Buffer.from(text),
      type: 'application/yaml',
      touches: [`capture:${name}`],
    }
  }

  /** The policies in force as of a position, in the order of their names. */
  async inForce(asOf: number): Promise<PolicyInForce[]> {
    await this.#follower.reach('capture')
    const rows = await this.#database.query<{ name: string; version: number; body: string }>(
      'select distinct on (name) name, version, body from capture_policy where seq < $1 order by name, version desc',
      [BigInt(asOf)],
    )
    const gone = await removed(this.#database, this.#follower, 'capture', asOf)
    return rows
      .filter(({ name }) => !gone.has(name))
      .map(({ name, version, body }) => ({ policy: parseCapturePolicy(body, name), version }))
      .sort((a, b) => (a.policy.name < b.policy.name ? -1 : 1))
  }
}
