// Policies in force: putting a file into force is a record, and the newest version of a name counts, until a plan takes
// the name out. One book a kind.
import type { Draft } from '../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { Kept } from '../../record/projection/kept.ts'
import type { Clock } from '../../record/time.ts'
import type { PolicyForm } from '../../rules/files/policy-file.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Database } from '../../store/database.ts'
import { isOut, removalsOf, removed } from './plan-records.ts'
import type { Removal } from './plan-records.ts'

/** Some kind of policy: its book says which. */
export interface AnyPolicy {
  readonly name: string
}

export interface PolicyInForce<Policy> {
  readonly policy: Policy
  readonly version: number
  readonly seq: number
}

/** A file, judged against what is in force. */
export interface PreparedPolicy<Policy extends AnyPolicy = AnyPolicy> {
  readonly path: string
  readonly text: string
  readonly policy: Policy
  readonly version: number
  readonly change: 'new' | 'unchanged' | 'major'
  /** What each of its rules says, and what each said in the version before. */
  readonly rules: readonly string[]
  readonly before: { readonly version: number; readonly rules: readonly string[] } | undefined
}

export function policyProjection(forms: readonly PolicyForm<AnyPolicy>[]): Projection {
  return {
    tables: ['policy_version'],
    kinds: forms.map(({ kind }) => kind),
    async apply(tx, records) {
      for (const record of records) {
        const opened = record.open()
        if (opened.state !== 'open') continue
        const { name, version } = record.entry.refs
        await tx.query('insert into policy_version (kind, name, version, seq, body) values ($1, $2, $3, $4, $5)', [
          kindOf(record.entry),
          name,
          Number(version),
          BigInt(record.seq),
          Buffer.from(opened.content).toString('utf8'),
        ])
      }
    },
  }
}

export class PolicyBook<Policy extends AnyPolicy = AnyPolicy> {
  readonly form: PolicyForm<Policy>
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock
  readonly #all: Kept<{ versions: PolicyVersion<Policy>[]; removals: Removal[] }>

  constructor(form: PolicyForm<Policy>, parts: { follower: Follower; database: Database; clock: Clock }) {
    this.form = form
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
    this.#all = new Kept(parts.follower, [form.kind, 'plan'])
  }

  /** What applying a file would do; throws what is wrong with it. The same text again is the same version. */
  async prepare(path: string, text: string): Promise<PreparedPolicy<Policy>> {
    const { kind, parse, rules } = this.form
    const policy = parse(text, path)
    await this.#follower.reach(kind)
    const [newest] = await this.#database.query<{ version: number; body: string }>(
      'select version, body from policy_version where kind = $1 and name = $2 order by version desc limit 1',
      [kind, policy.name],
    )
    const gone = await removed(this.#database, this.#follower, kind, Number.MAX_SAFE_INTEGER)
    const unchanged = newest?.body === text && !gone.has(policy.name)
    return {
      path,
      text,
      policy,
      version: unchanged ? newest.version : (newest?.version ?? 0) + 1,
      change: unchanged ? 'unchanged' : newest && !gone.has(policy.name) ? 'major' : 'new',
      rules: rules(policy),
      before: newest && { version: newest.version, rules: rules(parse(newest.body, path)) },
    }
  }

  /** The record that puts a policy into force. */
  draft({ policy: { name }, text, version }: PreparedPolicy): Draft {
    const { kind } = this.form
    return {
      kind: `${kind}/1`,
      stream: kind === 'policy' ? 'whence.policies' : `whence.${kind}`,
      source: 'whence',
      id: `${name}@v${version}`,
      time: this.#clock.now(),
      refs: { name, version: String(version) },
      content: Buffer.from(text),
      type: 'application/yaml',
      touches: [`${kind}:${name}`],
    }
  }

  /** The policies in force as of a position, in the order of their names. Whoever asks shares them with others. */
  async inForce(asOf: number): Promise<PolicyInForce<Policy>[]> {
    const { versions, removals } = await this.#all.of('', () => this.#read())
    const newest = new Map<string, PolicyVersion<Policy>>()
    for (const one of versions) if (one.seq < asOf) newest.set(one.name, one)
    return [...newest.values()]
      .filter(({ name }) => !removals.some((removal) => removal.name === name && isOut(removal, asOf)))
      .map((one) => ({ policy: one.policy(), version: one.version, seq: one.seq }))
  }

  /** All versions, by name and in their order. */
  async #read(): Promise<{ versions: PolicyVersion<Policy>[]; removals: Removal[] }> {
    const { kind, parse } = this.form
    const rows = await this.#database.query<{ name: string; version: number; seq: bigint; body: string }>(
      'select name, version, seq, body from policy_version where kind = $1 order by name collate "C", version',
      [kind],
    )
    const versions = rows.map(({ name, version, seq, body }) => {
      let policy: Policy | undefined
      return { name, version, seq: Number(seq), policy: () => (policy ??= parse(body, name)) }
    })
    return { versions, removals: await removalsOf(this.#database, kind) }
  }
}

interface PolicyVersion<Policy> {
  readonly name: string
  readonly version: number
  readonly seq: number
  /** Throws what is wrong with the file. */
  policy(): Policy
}
