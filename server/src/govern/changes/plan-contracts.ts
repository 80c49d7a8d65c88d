// How far a new version of a contract reaches: for what was computed, only its columns and its roles matter.
import type { ChangeClass, PlanPart } from '@whence/sdk'
import { changes } from '../../rules/contracts/compare.ts'
import type { Column, Contract } from '../../rules/contracts/contract.ts'
import { stable } from '../../rules/contracts/text.ts'

type Shape = readonly Pick<Column, 'name' | 'type'>[]

/** Columns that go or change their type break; columns that come do not; with the same columns the past stays. */
export function contractShape(before: Shape, after: Shape): ChangeClass {
  const now = new Map(after.map(({ name, type }) => [name.toLowerCase(), type]))
  if (before.some(({ name, type }) => now.get(name.toLowerCase()) !== type)) return 'breaking'
  return after.length > before.length ? 'non-breaking' : 'forward-only'
}

export function contractPartsOf(before: Contract, after: Contract): PlanPart[] {
  const parts: PlanPart[] = []
  const was = new Map(before.columns.map(({ name, type }) => [name.toLowerCase(), { name, type }]))
  const is = new Map(after.columns.map(({ name, type }) => [name.toLowerCase(), { name, type }]))
  for (const [key, { name, type }] of was) {
    const now = is.get(key)
    if (!now) parts.push({ class: 'breaking', what: `column ${name}`, aspect: 'removed', before: type })
    else if (now.type !== type)
      parts.push({ class: 'breaking', what: `column ${name}`, aspect: 'type', before: type, after: now.type })
  }
  for (const [key, { name, type }] of is)
    if (!was.has(key)) parts.push({ class: 'non-breaking', what: `column ${name}`, aspect: 'added', after: type })
  const roles = new Set([...Object.keys(before.roles), ...Object.keys(after.roles)]) as Set<keyof Contract['roles']>
  for (const role of roles) {
    // Another subject, time or id is another meaning of every event; a role that is new changes none.
    if (before.roles[role] === undefined || stable(before.roles[role]) === stable(after.roles[role])) continue
    parts.push({ class: 'breaking', what: 'the contract', aspect: role, ...said(before, after, role) })
  }
  // What is not said yet: rules that judge otherwise, and fields without a column.
  const told = parts.map(({ what, aspect }) => `${what.startsWith('column ') ? what.slice(7) : aspect} `)
  for (const { bump, what } of changes(before, after)) {
    if (bump === 'patch') parts.push({ class: 'metadata', what: 'the contract', aspect: 'words', after: what })
    else if (!told.some((start) => what.startsWith(start)))
      parts.push({ class: 'forward-only', what: 'the contract', aspect: bump, after: what })
  }
  if (parts.length === 0) parts.push({ class: 'forward-only', what: 'the contract', aspect: 'rules' })
  return parts
}

function said(before: Contract, after: Contract, role: keyof Contract['roles']): { before: string; after: string } {
  const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null))
  return { before: shown(before.roles[role]), after: shown(after.roles[role]) }
}
