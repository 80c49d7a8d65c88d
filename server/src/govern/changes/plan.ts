// Plans: what applying files would change, and applying exactly that.
//
// A plan is worked out from the files and from what is in force; it is recorded only when it is applied, in one append
// with everything that it changes, on the condition that no other plan was applied meanwhile. So the applied plans form
// a chain, and what stands in force is what the last of them says.
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import type {
  Applied,
  ApplyRequest,
  ChangeClass,
  DeclaredKind,
  Plan,
  PlannedChange,
  PlanRequest,
  Receipt,
} from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault, isFault } from '../../fault.ts'
import type { ContractBook } from '../../path/events/contract-book.ts'
import { lastPlan } from '../../path/events/plan-records.ts'
import type { PlannedRecord, PlanRecord } from '../../path/events/plan-records.ts'
import type { PolicyBook } from '../../path/events/policy-book.ts'
import type { Snapshots } from '../../path/features/snapshots.ts'
import type { PreparedView, ViewBook } from '../../path/features/view-book.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Draft, Placed } from '../../record/ledger/writer.ts'
import type { Clock } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Columns } from '../../store/columns.ts'
import type { ImpactParts } from './impact.ts'
import { downstreamOf } from './plan-downstream.ts'
import { sampleOf } from './plan-sample.ts'
import { absentFrom, nameOf, statedChange } from './plan-stated.ts'
import type { InForce, Prepared, Stated } from './plan-stated.ts'

export interface PlannerParts extends ImpactParts {
  ledger: Ledger
  contracts: ContractBook
  views: ViewBook
  policies: readonly PolicyBook[]
  snapshots: Snapshots
  columns: Columns
  clock: Clock
  /** Milliseconds that one query for a plan may take. */
  limit?: number
}

type File = ApplyRequest['files'][number]
type By = { id: string }

/** Everything that files would do, worked out as of one state of the log. */
interface Judged {
  /** Position of the last applied plan, and the position up to which the log was read. */
  base: number | null
  basis: number
  remove: boolean
  prepared: Prepared[]
  changes: Stated[]
  absent: InForce[]
  digest: string
}

/** What every plan depends on: another that was applied since makes it stale. */
const KEY = 'plan:declarations'

export class Planner {
  readonly #parts: PlannerParts

  constructor(parts: PlannerParts) {
    this.#parts = parts
  }

  /** What applying these files would change, and what that touches. Nothing is recorded. */
  async plan({ files, sample = 200, at, remove = false }: PlanRequest): Promise<Plan> {
    const when = at === undefined ? undefined : parseTime(at)
    if (at !== undefined && when === undefined) throw new Fault('invalid', `"${at}" is no time`)
    const judged = await this.#judge(files, remove)
    const asOf = this.#parts.ledger.size
    const changes: PlannedChange[] = []
    for (const stated of judged.changes) {
      const { change, prepared } = stated
      const downstream = await this.#downstream(stated)
      const values =
        prepared?.kind === 'view' && change.class !== 'metadata'
          ? await this.#sample(prepared, { size: sample, asOf, at: when })
          : undefined
      changes.push({ ...change, ...(downstream ? { downstream } : {}), ...(values ? { sample: values } : {}) })
    }
    return {
      base: judged.base,
      digest: judged.digest,
      asOf,
      remove,
      changes,
      unchanged: judged.prepared.length - judged.changes.filter(({ prepared }) => prepared).length,
      absent: remove ? judged.absent.filter(({ kind }) => kind === 'contract') : judged.absent,
    }
  }

  /**
   * Puts the files into force: all of it in one append, or nothing. With `plan` only exactly that: throws `conflict` when
   * another plan was applied since, or the files are not those that were planned.
   */
  async apply({ files, plan, remove = false }: ApplyRequest, by: By): Promise<Applied> {
    for (;;) {
      const judged = await this.#judge(files, remove)
      if (plan) refuseOther(plan, judged)
      if (judged.changes.length === 0) return appliedOf(judged, [])
      const drafts = judged.changes.flatMap(({ prepared }) => (prepared ? (this.#draft(prepared) ?? []) : []))
      const result = await this.#parts.ledger.append([...drafts, this.#record(judged)], {
        actor: by.id,
        basis: judged.basis,
        keys: [KEY, ...drafts.flatMap(({ touches = [] }) => touches)],
      })
      if (result === 'stale') {
        await this.#parts.follower.reach()
        continue
      }
      const placed = result.map((one): Placed => {
        // Drafts are refused for their size only, and the files have passed that.
        if (one.status === 'refused') throw one.fault
        return one
      })
      return this.#accept(judged, placed)
    }
  }

  async #judge(files: readonly File[], remove: boolean): Promise<Judged> {
    const { contracts, views, policies, database, follower } = this.#parts
    const base = (await lastPlan(database, follower)) ?? null
    const basis = follower.next
    const { contract = [], view = [], ...rest } = sorted(files, policies)
    const preparedContracts = contracts.prepare(contract)
    const coming = new Map(
      preparedContracts.flatMap(({ contract, change }) =>
        change === 'unchanged' ? [] : [[contract.stream, contract] as const],
      ),
    )
    const faults: Fault[] = []
    const prepared: Prepared[] = preparedContracts.map((one) => ({ kind: 'contract', ...one }))
    const attempt = async (work: () => Promise<Prepared>): Promise<void> => {
      try {
        prepared.push(await work())
      } catch (error) {
        if (!isFault(error, 'invalid')) throw error
        faults.push(error)
      }
    }
    for (const { path, text } of view)
      await attempt(async () => ({ kind: 'view', ...(await views.prepare(path, text, coming)) }))
    for (const book of policies)
      for (const { path, text } of rest[book.form.kind] ?? [])
        await attempt(async () => ({ kind: book.form.kind, ...(await book.prepare(path, text)) }))
    // Whoever has several files to mend is told of all of them at once.
    if (faults.length > 0) throw new Fault('invalid', faults.map(({ message }) => message).join('\n'))
    refuseTwice(prepared)
    const absent = await absentFrom(this.#parts, prepared)
    const changes: Stated[] = []
    for (const one of prepared) if (one.change !== 'unchanged') changes.push(await statedChange(this.#parts, one))
    if (remove) changes.push(...absent.filter(({ kind }) => kind !== 'contract').map(removal))
    const digest = hash('sha256', canonicalize({ base, changes: changes.map(recordOf) as unknown as Json[] }), 'hex')
    return { base, basis, remove, prepared, changes, absent, digest }
  }

  async #downstream({ change, versions }: Stated): Promise<PlannedChange['downstream']> {
    if (change.from === undefined) return undefined
    if (change.kind === 'view') return downstreamOf(this.#parts, { kind: 'view', name: change.name, versions })
    return change.kind === 'contract' ? downstreamOf(this.#parts, { kind: 'stream', name: change.name }) : undefined
  }

  async #sample(
    { before, compiled }: PreparedView,
    { size, asOf, at }: { size: number; asOf: number; at: number | undefined },
  ): Promise<PlannedChange['sample']> {
    const { columns, snapshots, contracts, views, clock, limit } = this.#parts
    const earlier = before && (await views.compiled(before).catch(() => undefined))
    try {
      return await sampleOf(
        { columns, contracts, events: snapshots.events, ...(limit === undefined ? {} : { limit }) },
        earlier,
        compiled,
        { size, asOf, now: clock.now(), at },
      )
    } catch (error) {
      // A sample is help, not the plan: where it cannot be had in time the plan says so.
      if (!isFault(error, 'too_slow')) throw error
      return { people: 0, asOf, problem: error.message, features: [] }
    }
  }

  #draft(prepared: Prepared): Draft | undefined {
    const { contracts, views, policies } = this.#parts
    if (prepared.kind === 'contract') return contracts.draft(prepared)
    if (prepared.kind === 'view') return prepared.change === 'restored' ? undefined : views.draft(prepared)
    return policies.find(({ form }) => form.kind === prepared.kind)!.draft(prepared)
  }

  #record({ base, digest, changes }: Judged): Draft {
    const content: PlanRecord = { previous: base, digest, changes: changes.map(recordOf) }
    return {
      kind: 'plan/1',
      stream: 'whence.plans',
      source: 'whence',
      id: digest,
      time: this.#parts.clock.now(),
      refs: { ...(base === null ? {} : { previous: String(base) }), changes: String(changes.length) },
      content: Buffer.from(canonicalize(content as unknown as Json)),
      touches: [KEY],
    }
  }

  #accept(judged: Judged, placed: readonly Placed[]): Applied {
    let next = 0
    const receipts = judged.changes.map(({ prepared }): Receipt | undefined => {
      if (!prepared || (prepared.kind === 'view' && prepared.change === 'restored')) return undefined
      const receipt = receiptOf(placed[next++]!)
      if (prepared.kind === 'contract') this.#parts.contracts.accept(prepared, receipt.seq)
      return receipt
    })
    return {
      ...appliedOf(judged, receipts),
      plan: { digest: judged.digest, receipt: receiptOf(placed.at(-1)!) },
    }
  }
}

/** Files by what they declare, as their `kind:` says. */
function sorted(files: readonly File[], policies: readonly PolicyBook[]): Partial<Record<DeclaredKind, File[]>> {
  const kinds = new Map<string, { kind: DeclaredKind; title: string }>([
    ['DataContract', { kind: 'contract', title: 'contract' }],
    ['FeatureView', { kind: 'view', title: 'feature view' }],
    ...policies.map(({ form }) => [form.word, form] as const),
  ])
  const of: Partial<Record<DeclaredKind, File[]>> = {}
  for (const file of files) {
    const [, word = ''] = /^kind:\s*(\w+)\s*(?:#.*)?$/m.exec(file.text) ?? []
    const found = kinds.get(word)
    if (found === undefined) {
      const known = [...kinds].map(([kind, { title }]) => `${title} (kind: ${kind})`)
      throw new Fault('invalid', `${file.path} is no ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`)
    }
    ;(of[found.kind] ??= []).push(file)
  }
  return of
}

function refuseTwice(prepared: readonly Prepared[]): void {
  const seen = new Map<string, string>()
  for (const one of prepared) {
    const key = `${one.kind} ${nameOf(one)}`
    const other = seen.get(key)
    if (other !== undefined) throw new Fault('invalid', `${one.path}: ${other} declares ${key} too: keep one of them`)
    seen.set(key, one.path)
  }
}

function refuseOther(plan: NonNullable<ApplyRequest['plan']>, { base, digest, changes }: Judged): void {
  if (plan.digest === digest) return
  if (plan.base !== base)
    throw new Fault(
      'conflict',
      `the plan is stale: another was applied since it was made (record ${base}): make it again and look at it`,
    )
  throw new Fault(
    'conflict',
    `the files are not those that were planned: applying them now would make ${changes.length} changes (plan ${digest.slice(0, 12)}), and the plan given is ${plan.digest.slice(0, 12)}: make it again and look at it`,
  )
}

function removal({ kind, name, version }: InForce): Stated {
  const what = kind === 'view' ? 'the view' : 'the policy'
  const parts = [{ class: 'breaking' as ChangeClass, what, aspect: 'removed' }]
  const notes = kind === 'view' ? [`Its versions stay: ${name}@${version} can still be materialised and served.`] : []
  return {
    change: { kind, name, action: 'remove', class: 'breaking', from: version, parts, notes },
    versions: Number(version.replace(/^v/, '')),
  }
}

function recordOf({ change, prepared }: Stated): PlannedRecord {
  const { kind, name, action, from, to } = change
  return {
    kind,
    name,
    action,
    class: change.class,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(prepared ? { text: hash('sha256', prepared.text, 'hex') } : {}),
  }
}

function receiptOf({ seq, leaf, recorded, status }: Placed): Receipt {
  return { seq, leaf, recorded, status }
}

function appliedOf({ prepared, changes }: Judged, receipts: readonly (Receipt | undefined)[]): Applied {
  const receiptFor = new Map(changes.map(({ prepared: one }, index) => [one, receipts[index]]))
  const files = prepared.map((one) => {
    const receipt = receiptFor.get(one)
    const version = one.kind === 'contract' ? one.contract.version : `v${one.version}`
    return {
      path: one.path,
      kind: one.kind,
      name: nameOf(one),
      version,
      change: one.change,
      ...(receipt ? { receipt } : {}),
    }
  })
  const gone = changes
    .filter(({ change }) => change.action === 'remove')
    .map(({ change: { kind, name, from } }) => ({ kind, name, version: from!, change: 'removed' as const }))
  return { applied: [...files, ...gone] }
}
