// What a policy file demands of jobs: lineage, code version, owner. Applying one is a record; its newest version counts.
import { Name } from '@whence/sdk'
import type { Requirement } from '@whence/sdk'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { Fault } from '../../fault.ts'
import type { Draft } from '../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import { removed } from '../../path/events/plan-records.ts'

const Policy = z.strictObject({
  kind: z.literal('LineagePolicy'),
  name: Name,
  description: z.string().optional(),
  rules: z
    .array(
      z.strictObject({
        /** `*` stands for any characters, `?` for one. */
        namespace: z.string().min(1).max(1024),
        require: z.array(z.enum(['lineage', 'codeVersion', 'owner'])).min(1),
      }),
    )
    .min(1)
    .max(1000),
})

export interface LineagePolicy {
  name: string
  description?: string | undefined
  rules: { namespace: string; require: Requirement[] }[]
}

export interface PolicyVersion {
  readonly policy: LineagePolicy
  readonly version: number
  readonly seq: number
}

/** What applying a policy's file would do. */
export interface PreparedPolicy {
  readonly path: string
  readonly text: string
  readonly policy: LineagePolicy
  readonly before: { readonly version: number; readonly policy: LineagePolicy } | undefined
  readonly version: number
  readonly change: 'new' | 'unchanged' | 'major'
}

/** Reads a policy file. A fault names the file, the line and what must stand there. */
export function parsePolicy(text: string, file: string): LineagePolicy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined
      if (node?.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  const [flaw] = document.errors
  if (flaw) throw new Fault('invalid', `${file} line ${lines.linePos(flaw.pos[0]).line}: ${flaw.message}`)
  const read = Policy.safeParse(document.toJS())
  if (read.success) return read.data
  const sentences = read.error.issues.map((issue) => {
    const where = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
    return `${file} line ${lineOf(where)}: ${issue.path.map(String).join('.') || 'the policy'}: ${issue.message}`
  })
  throw new Fault('invalid', sentences.join('\n'))
}

/** Whether a namespace is meant by a pattern in which `*` is any characters and `?` one. Linear in the text. */
export function matches(pattern: string, namespace: string): boolean {
  let [p, n] = [0, 0]
  let [star, mark] = [-1, 0]
  while (n < namespace.length) {
    if (pattern[p] === '*') {
      star = p++
      mark = n
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === namespace[n])) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

export const policyProjection: Projection = {
  tables: ['lineage_policy'],
  kinds: ['policy'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const { name, version } = record.entry.refs
      await tx.query('insert into lineage_policy (name, version, seq, body) values ($1, $2, $3, $4)', [
        name,
        Number(version),
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

export class PolicyBook {
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(parts: { follower: Follower; database: Database; clock: Clock }) {
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
  }

  /** What applying a file would do; throws what is wrong with it. The same text again is the same version. */
  async prepare(path: string, text: string): Promise<PreparedPolicy> {
    const policy = parsePolicy(text, path)
    await this.#follower.reach('policy')
    const [newest] = await this.#database.query<{ version: number; body: string }>(
      'select version, body from lineage_policy where name = $1 order by version desc limit 1',
      [policy.name],
    )
    const gone = await removed(this.#database, this.#follower, 'policy', Number.MAX_SAFE_INTEGER)
    const unchanged = newest?.body === text && !gone.has(policy.name)
    return {
      path,
      text,
      policy,
      before: newest && { version: newest.version, policy: parsePolicy(newest.body, path) },
      version: unchanged ? newest.version : (newest?.version ?? 0) + 1,
      change: unchanged ? 'unchanged' : newest && !gone.has(policy.name) ? 'major' : 'new',
    }
  }

  /** The record that puts a policy into force. */
  draft({ policy: { name }, text, version }: PreparedPolicy): Draft {
    return {
      kind: 'policy/1',
      stream: 'whence.policies',
      source: 'whence',
      id: `${name}@v${version}`,
      time: this.#clock.now(),
      refs: { name, version: String(version) },
      content: Buffer.from(text),
      type: 'application/yaml',
      touches: [`policy:${name}`],
    }
  }

  /** The policies in force as of a position, by name. */
  async inForce(asOf: number): Promise<PolicyVersion[]> {
    await this.#follower.reach('policy')
    const rows = await this.#database.query<{ name: string; version: number; seq: bigint; body: string }>(
      'select distinct on (name) name, version, seq, body from lineage_policy where seq < $1 order by name, version desc',
      [BigInt(asOf)],
    )
    const gone = await removed(this.#database, this.#follower, 'policy', asOf)
    return rows
      .filter(({ name }) => !gone.has(name))
      .map(({ name, version, seq, body }) => ({
        policy: parsePolicy(body, name),
        version,
        seq: Number(seq),
      }))
  }
}
