// How a feature view differs from the one in force, and how far each difference reaches. Expressions are compared as
// trees: layout, comments and letter case of keywords are no difference.
import type { ChangeClass, PlanPart } from '@whence/sdk'
import type { CompiledView, Prepared } from '../../path/features/compiled.ts'
import { durationText } from '../../path/features/view.ts'
import type { Feature, FeatureView } from '../../path/features/view.ts'
import { contractShape } from './plan-contracts.ts'

/** The differences between two versions of a view; none where they give the same values and say the same. */
export function viewParts(before: CompiledView, after: CompiledView): PlanPart[] {
  const parts: PlanPart[] = []
  const note = (cls: ChangeClass, what: string, aspect: string, was?: string, is?: string): void => {
    if (was === is) return
    parts.push({
      class: cls,
      what,
      aspect,
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
    })
  }
  note('breaking', 'the view', 'entity', before.view.entity, after.view.entity)
  note('breaking', 'the view', 'source', before.view.source, after.view.source)
  note('forward-only', 'the view', 'ttl', durationText(before.view.ttl), durationText(after.view.ttl))
  contractParts(before, after, parts)

  const was = new Map(before.prepared.map((one) => [one.feature.name, one]))
  const is = new Map(after.prepared.map((one) => [one.feature.name, one]))
  const gone = before.prepared.filter(({ feature }) => !is.has(feature.name))
  const come = after.prepared.filter(({ feature }) => !was.has(feature.name))
  for (const one of gone) {
    const renamed = come.findIndex((other) => sameValues(one, other))
    const [other] = renamed < 0 ? [] : come.splice(renamed, 1)
    if (other) note('breaking', `feature ${one.feature.name}`, 'renamed', one.feature.name, other.feature.name)
    else note('breaking', `feature ${one.feature.name}`, 'removed', definition(one.feature))
  }
  for (const one of come)
    note('non-breaking', `feature ${one.feature.name}`, 'added', undefined, definition(one.feature))

  for (const { feature: old, ...oldTrees } of before.prepared) {
    const other = is.get(old.name)
    if (!other) continue
    const { feature: now } = other
    const what = `feature ${old.name}`
    note('breaking', what, 'type', old.type, now.type)
    if (old.type === now.type) note('breaking', what, 'type of its values', old.column.type, now.column.type)
    note('breaking', what, 'source', old.source, now.source)
    note('breaking', what, 'window', durationText(old.window), durationText(now.window))
    if (!sameTree(oldTrees.filter, other.filter)) note('breaking', what, 'filter', old.filter ?? '', now.filter ?? '')
    if (!sameTree(oldTrees.expr, other.expr)) note('breaking', what, 'expr', old.expr.trim(), now.expr.trim())
    note('forward-only', what, 'tolerance', text(old.tolerance), text(now.tolerance))
  }
  parts.push(...wordParts(before.view, after.view))
  return parts
}

/** Differences of owner, description, tags and sentences. */
export function wordParts(before: FeatureView, after: FeatureView): PlanPart[] {
  const parts: PlanPart[] = []
  const note = (what: string, aspect: string, was = '', is = ''): void => {
    if (was !== is) parts.push({ class: 'metadata', what, aspect, before: was, after: is })
  }
  const tags = (of: { tags?: string[] }): string => [...new Set(of.tags)].toSorted().join(', ')
  note('the view', 'owner', before.owner, after.owner)
  note('the view', 'description', before.description, after.description)
  note('the view', 'tags', tags(before), tags(after))
  for (const old of before.features) {
    const now = after.features.find(({ name }) => name === old.name)
    if (!now) continue
    note(`feature ${old.name}`, 'description', old.description, now.description)
    note(`feature ${old.name}`, 'sentence', old.sentence, now.sentence)
    note(`feature ${old.name}`, 'tags', tags(old), tags(now))
  }
  return parts
}

/** A stream's contract of another version: what that means depends on its columns only. */
function contractParts(before: CompiledView, after: CompiledView, parts: PlanPart[]): void {
  for (const old of before.sources) {
    const now = after.sources.find(({ stream }) => stream === old.stream)
    if (!now || now.contract === old.contract) continue
    parts.push({
      class: contractShape(old.columns, now.columns),
      what: `stream ${old.stream}`,
      aspect: 'contract',
      before: old.contract,
      after: now.contract,
    })
  }
}

function sameValues(one: Prepared, other: Prepared): boolean {
  const [a, b] = [one.feature, other.feature]
  return (
    a.type === b.type &&
    a.source === b.source &&
    a.window === b.window &&
    sameTree(one.filter, other.filter) &&
    sameTree(one.expr, other.expr)
  )
}

function sameTree(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function definition({ type, window, filter, source, expr }: Feature): string {
  const parts = [
    `${type} ${expr.trim().replace(/\s+/g, ' ')}`,
    ...(filter === undefined ? [] : [`where ${filter.trim().replace(/\s+/g, ' ')}`]),
    ...(window === undefined ? [] : [`over ${durationText(window)}`]),
    `of ${source}`,
  ]
  return parts.join(' ')
}

const text = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value))
