// From the spans of a trace to what they say of its actions. Nothing depends on the order in which spans came, nor on how
// often: spans are a set, ordered by their start.
import type { KeyedDigest, SpanSaid, TraceAction } from '@whence/sdk'
import { Family } from './family.ts'

/** Which spans say what of an action: the first of each list says most. */
export interface Witnesses<T extends SpanSaid = SpanSaid> {
  readonly id: KeyedDigest
  /** All that belong to it, by their start. */
  readonly spans: readonly T[]
  /** Those that name it. */
  readonly naming: readonly T[]
  /** Calls of a model: the last first, as it made what was decided. */
  readonly calling: readonly T[]
  /** Where the agent is named: by the action's own spans, then above them, then anywhere in it. */
  readonly acting: readonly T[]
}

const CALLS = new Set(['chat', 'generate_content', 'text_completion'])

/** By the id of each action that the spans of one trace name. */
export function witnessesOf<T extends SpanSaid>(given: readonly T[]): Witnesses<T>[] {
  const spans = given.toSorted(byStart)
  const family = new Family(spans)
  const named = Map.groupBy(
    spans.filter(({ action }) => action?.id !== undefined),
    ({ action }) => action!.id!,
  )
  return [...named].map(([id, naming]) => {
    const other = (span: T): boolean => span.action?.id !== undefined && span.action.id !== id
    const within = new Set(
      // A trace of one action is all about it.
      named.size === 1 ? spans : naming.flatMap((span) => [...family.within(span, other)]),
    )
    const own = named.size === 1 ? spans : [...within].toSorted(byStart)
    return {
      id,
      spans: own,
      naming,
      calling: own
        .filter(({ operation }) => operation !== undefined && CALLS.has(operation))
        .toSorted(byEnd)
        .toReversed(),
      acting: [...naming, ...naming.flatMap((span) => [...family.above(span)]), ...own].filter(
        ({ agent, action }) => agent !== undefined || action?.actor !== undefined,
      ),
    }
  })
}

/** What they say of it, put together. */
export function actionOf(witnesses: Witnesses): TraceAction {
  const { id, spans, naming, calling, acting } = witnesses
  const first = <V>(from: readonly SpanSaid[], read: (span: SpanSaid) => V | undefined): V | undefined => {
    for (const span of from) {
      const value = read(span)
      if (value !== undefined) return value
    }
    return undefined
  }
  const saying = [...naming, ...calling, ...spans]
  const own = <K extends keyof NonNullable<SpanSaid['action']>>(name: K) =>
    first(saying, ({ action }) => action?.[name])
  const modelled = saying.find(({ model }) => model !== undefined)
  const agent = first(acting, (span) => span.agent)
  const actor = first(acting, (span) => span.action?.actor)
  const said: TraceAction = {
    id,
    type: own('type'),
    actor: filled({
      type: actor?.type ?? (agent ? 'agent' : undefined),
      id: actor?.id ?? agent?.id ?? agent?.name,
      version: agent?.version,
      configuration: actor?.configuration,
    }),
    environment: own('environment') ?? first(saying, ({ environment }) => environment),
    campaign: own('campaign'),
    creative: own('creative'),
    channel: own('channel'),
    purpose: own('purpose'),
    model: modelled && modelOf(modelled),
    prompt: first(saying, ({ prompt }) => prompt),
    contents: filled(contentsOf(saying)),
    usage: filled(usageOf(spans)),
    tools: spans
      .filter(({ operation }) => operation === 'execute_tool')
      .map((span) => ({ ...span.tool, status: span.status, span: span.span, ...seqOf(span) })),
    evaluations: spans.flatMap(({ evaluations = [] }) => evaluations),
    spans: spans.map(({ span }) => span),
  }
  return without(said)
}

/** The name that was asked for; the one that answered is its version. */
function modelOf({ model, provider, configuration }: SpanSaid): TraceAction['model'] {
  const { requested, answered } = model!
  const name = requested ?? answered!
  return without({ name, version: answered === name ? undefined : answered, provider, configuration })
}

/** What went in and came out by the spans that say most; tools have theirs. */
function contentsOf(saying: readonly SpanSaid[]): NonNullable<TraceAction['contents']> {
  const contents: NonNullable<TraceAction['contents']> = {}
  for (const span of saying) {
    for (const [name, content] of Object.entries(span.contents ?? {}))
      if (name !== 'arguments' && name !== 'result') contents[name] ??= content
  }
  return contents
}

/** Tokens, once: a span that tells the sum of those below it is not counted beside them. */
export function usageOf(spans: readonly SpanSaid[]): Record<string, number> {
  const family = new Family(spans)
  const total: Record<string, number> = {}
  const summing = new Set<SpanSaid>()
  for (const span of spans) if (span.usage) for (const above of family.above(span)) summing.add(above)
  for (const span of spans) {
    if (summing.has(span)) continue
    for (const [name, tokens] of Object.entries(span.usage ?? {})) total[name] = (total[name] ?? 0) + tokens
  }
  return total
}

/** By their start; then by their ids, so that the order in which they came decides nothing. */
export function byStart(a: SpanSaid, b: SpanSaid): number {
  return compare(a.start, b.start) || compare(a.span, b.span)
}

function byEnd(a: SpanSaid, b: SpanSaid): number {
  return compare(a.end, b.end) || byStart(a, b)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function seqOf(span: SpanSaid & { seq?: number }): { seq?: number } {
  return span.seq === undefined ? {} : { seq: span.seq }
}

function without<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}

function filled<T extends object>(value: T): T | undefined {
  const rest = without(value)
  return Object.keys(rest).length > 0 ? rest : undefined
}
