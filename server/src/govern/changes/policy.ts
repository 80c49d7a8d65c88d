// What a policy file demands of jobs: lineage, code version, owner. Applying one is a record; its newest version counts.
import { Name } from '@whence/sdk'
import type { Receipt, Requirement } from '@whence/sdk'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'

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
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database; clock: Clock }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
  }

  /** Puts a policy into force. The same text again is the same version. */
  async apply(
    text: string,
    file: string,
    by: { id: string },
  ): Promise<{ name: string; version: number; change: 'new' | 'unchanged' | 'major'; receipt?: Receipt }> {
    const { name } = parsePolicy(text, file)
    for (;;) {
      await this.#follower.reach('policy')
      const basis = this.#follower.next
      const [newest] = await this.#database.query<{ version: number; body: string }>(
        'select version, body from lineage_policy where name = $1 order by version desc limit 1',
        [name],
      )
      if (newest?.body === text) return { name, version: newest.version, change: 'unchanged' }
      const version = (newest?.version ?? 0) + 1
      const result = await this.#ledger.append(
        [
          {
            kind: 'policy/1',
            stream: 'whence.policies',
            source: 'whence',
            id: `${name}@v${version}`,
            time: this.#clock.now(),
            refs: { name, version: String(version) },
            content: Buffer.from(text),
            type: 'application/yaml',
            touches: [`policy:${name}`],
          },
        ],
        { actor: by.id, basis, keys: [`policy:${name}`] },
      )
      if (result === 'stale') continue
      const [placed] = result
      if (placed!.status === 'refused') throw placed!.fault
      const { seq, leaf, recorded, status } = placed!
      return { name, version, change: newest ? 'major' : 'new', receipt: { seq, leaf, recorded, status } }
    }
  }

  /** The policies in force as of a position, by name. */
  async inForce(asOf: number): Promise<PolicyVersion[]> {
    await this.#follower.reach('policy')
    const rows = await this.#database.query<{ name: string; version: number; seq: bigint; body: string }>(
      'select distinct on (name) name, version, seq, body from lineage_policy where seq < $1 order by name, version desc',
      [BigInt(asOf)],
    )
    return rows.map(({ name, version, seq, body }) => ({
      policy: parsePolicy(body, name),
      version,
      seq: Number(seq),
    }))
  }
}
