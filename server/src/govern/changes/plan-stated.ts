// One change of a plan, said: what it does to a declaration in force, and how far each part of it reaches.
import type { ChangeClass, DeclaredKind, PlannedChange, PlanPart } from '@whence/sdk'
import type { ContractBook, PreparedContract } from '../../path/events/contract-book.ts'
import type { PolicyBook, PreparedPolicy } from '../../path/events/policy-book.ts'
import { metadataOf, parseView } from '../../path/features/view.ts'
import type { PreparedView, ViewBook } from '../../path/features/view-book.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { PolicyKind } from '../../rules/files/policy-file.ts'
import { contractPartsOf } from './plan-contracts.ts'
import { viewParts, wordParts } from './plan-views.ts'

/** One file, judged against what is in force. */
export type Prepared =
  | ({ kind: 'contract' } & PreparedContract)
  | ({ kind: 'view' } & PreparedView)
  | ({ kind: PolicyKind } & PreparedPolicy)

export interface Stated {
  change: PlannedChange
  /** Absent where something is taken out of force. */
  prepared?: Prepared
  /** How many versions of it there have been. */
  versions: number
}

/** A declaration in force, by its newest version. */
export interface InForce {
  kind: DeclaredKind
  name: string
  version: string
}

interface Books {
  ledger: Ledger
  contracts: ContractBook
  views: ViewBook
  policies: readonly PolicyBook[]
}

export function nameOf(one: Prepared): string {
  if (one.kind === 'contract') return one.contract.stream
  return one.kind === 'view' ? one.view.name : one.policy.name
}

/** The gravest first. */
const order: readonly ChangeClass[] = ['breaking', 'forward-only', 'non-breaking', 'metadata']

export async function statedChange({ views }: Books, one: Prepared): Promise<Stated> {
  if (one.kind === 'view') return viewChange(views, one)
  if (one.kind === 'contract') return contractChange(one)
  return policyChange(one)
}

async function viewChange(views: ViewBook, one: { kind: 'view' } & PreparedView): Promise<Stated> {
  const { view, compiled, before, version, change, path } = one
  const base = { kind: 'view' as const, name: view.name, path, to: `v${version}` }
  const metadata = metadataOf(view)
  if (!before) {
    const parts: PlanPart[] = compiled.features.map(({ name, type }) => ({
      class: 'non-breaking',
      what: `feature ${name}`,
      aspect: 'added',
      after: type,
    }))
    return {
      change: {
        ...base,
        action: 'create',
        class: 'non-breaking',
        fingerprint: { after: compiled.fingerprint },
        metadata: { after: metadata },
        parts,
        notes: [],
      },
      prepared: one,
      versions: 0,
    }
  }
  const earlier = parseView(before.text, path)
  const both = {
    from: `v${before.version}`,
    fingerprint: { before: before.fingerprint, after: compiled.fingerprint },
    metadata: { before: metadataOf(earlier), after: metadata },
  }
  const stated = (action: PlannedChange['action'], parts: PlanPart[], notes: string[] = []): Stated => ({
    change: { ...base, ...both, action, class: gravest(parts), parts, notes },
    prepared: one,
    versions: before.version,
  })
  if (change === 'restored') return stated('restore', [{ class: 'non-breaking', what: 'the view', aspect: 'restored' }])
  if (change === 'described') return stated('describe', wordParts(earlier, view))
  try {
    const parts = viewParts(await views.compiled(before), compiled)
    const notes = [`${view.name}@v${before.version} stays as it is, for whoever has pinned it.`]
    return stated('change', parts.length > 0 ? parts : [unknown('its fingerprint is another')], notes)
  } catch (error) {
    // The engine reads the version in force no longer: nothing can be compared, so nothing is promised.
    return stated('change', [unknown(`${view.name}@v${before.version} no longer compiles`)], [(error as Error).message])
  }
}

function unknown(why: string): PlanPart {
  return { class: 'breaking', what: 'the view', aspect: 'unknown', after: why }
}

function contractChange(one: Extract<Prepared, { kind: 'contract' }>): Stated {
  const { contract, before, path, change } = one
  const base = { kind: 'contract' as const, name: contract.stream, path, to: contract.version }
  if (!before) {
    const parts: PlanPart[] = contract.columns.map(({ name, type }) => ({
      class: 'non-breaking',
      what: `column ${name}`,
      aspect: 'added',
      after: type,
    }))
    return {
      change: { ...base, action: 'create', class: 'non-breaking', parts, notes: [] },
      prepared: one,
      versions: 0,
    }
  }
  const parts = contractPartsOf(before.contract, contract)
  const cls = gravest(parts)
  return {
    change: {
      ...base,
      from: before.contract.version,
      action: cls === 'metadata' ? 'describe' : 'change',
      class: cls,
      parts,
      notes: change === 'major' ? ['By its version it is a major change: senders may find events refused.'] : [],
    },
    prepared: one,
    versions: 0,
  }
}

/** What a file of rules does: none of its rules reaches back. */
function policyChange(prepared: { kind: PolicyKind } & PreparedPolicy): Stated {
  const { kind, policy, path, version, rules, before, change } = prepared
  const base = { kind, name: policy.name, path, to: `v${version}` }
  if (change === 'new' || !before) {
    const parts = rules.map((rule): PlanPart => ({
      class: 'non-breaking',
      what: 'rule',
      aspect: 'added',
      after: rule,
    }))
    return { change: { ...base, action: 'create', class: 'non-breaking', parts, notes: [] }, prepared, versions: 0 }
  }
  const parts: PlanPart[] = [
    ...before.rules
      .filter((rule) => !rules.includes(rule))
      .map((rule): PlanPart => ({ class: 'forward-only', what: 'rule', aspect: 'removed', before: rule })),
    ...rules
      .filter((rule) => !before.rules.includes(rule))
      .map((rule): PlanPart => ({ class: 'forward-only', what: 'rule', aspect: 'added', after: rule })),
  ]
  if (parts.length === 0) parts.push({ class: 'metadata', what: 'the policy', aspect: 'words' })
  const cls = gravest(parts)
  return {
    change: {
      ...base,
      from: `v${before.version}`,
      action: cls === 'metadata' ? 'describe' : 'change',
      class: cls,
      parts,
      notes: [],
    },
    prepared,
    versions: before.version,
  }
}

function gravest(parts: readonly PlanPart[]): ChangeClass {
  return order.find((each) => parts.some((part) => part.class === each)) ?? 'metadata'
}

/** What is in force and not among the files. */
export async function absentFrom(
  { ledger, contracts, views, policies }: Books,
  prepared: readonly Prepared[],
): Promise<InForce[]> {
  const there = new Set(prepared.map((one) => `${one.kind} ${nameOf(one)}`))
  const all: InForce[] = [
    // What is built in stands in no file.
    ...contracts
      .streams()
      .filter((stream) => !stream.startsWith('whence.'))
      .map((stream): InForce => ({
        kind: 'contract',
        name: stream,
        version: contracts.inForce(stream).contract.version,
      })),
    ...(await views.inForce()).map(({ name, version }): InForce => ({ kind: 'view', name, version: `v${version}` })),
  ]
  for (const book of policies)
    for (const { policy, version } of await book.inForce(ledger.size))
      all.push({ kind: book.form.kind, name: policy.name, version: `v${version}` })
  return all.filter(({ kind, name }) => !there.has(`${kind} ${name}`))
}
