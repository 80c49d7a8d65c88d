// From a view's expressions to SQL that is safe and gives the same answer every time.
//
// Every aggregate of a feature gets the window, the feature's filter and the event's existence ANDed into its own FILTER
// clause. They are columns of the inner query ("in:0", "in:1" …), one for each different pair of window and filter, so
// that one compiled expression serves every frame:
// - snapshot: one `at` for all subjects; one scan, no join; and `single`, for one subject;
// - spine: rows of {row, subject, at, upto}, each with its own two clocks; a point-in-time join;
// - contributors: the events that a feature counts.
import { createHash } from 'node:crypto'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { Fault, isFault } from '../../fault.ts'
import type { Columns, Session } from '../../store/columns.ts'
import type { CompiledView, Prepared, Scope } from './compiled.ts'
import type { StreamShape } from './events.ts'
import { frames } from './frames.ts'
import { Judge } from './judge.ts'
import { writeExpression } from './syntax.ts'
import { SEMANTICS, sourcesOf } from './view.ts'
import type { Feature, FeatureView } from './view.ts'

export type { CompiledFeature, CompiledView, Relations } from './compiled.ts'

/** Checks a view against the contracts of its streams and compiles it. A fault says which feature is refused and why. */
export async function compileView(
  columns: Columns | Session,
  view: FeatureView,
  shapes: readonly StreamShape[],
): Promise<CompiledView> {
  const work = (session: Session): Promise<CompiledView> => compile(session, view, shapes)
  return 'session' in columns ? columns.session(work) : work(columns)
}

async function compile(session: Session, view: FeatureView, shapes: readonly StreamShape[]): Promise<CompiledView> {
  const sources = sourcesOf(view).map((stream) => {
    const shape = shapes.find((each) => each.stream === stream)
    if (!shape) throw new Fault('not_found', `View ${view.name} reads stream ${stream}, which has no contract.`)
    return shape
  })
  const scopes = new Map<string, Scope[]>(sources.map(({ stream }) => [stream, []]))
  const prepared: Prepared[] = []
  const refused: Fault[] = []
  for (const feature of view.features) {
    const shape = sources.find(({ stream }) => stream === feature.source)!
    const judge = new Judge(session, feature, shape)
    try {
      const expr = await judge.expression()
      const filter = await judge.filter()
      const scope = scopeOf(scopes.get(feature.source)!, { window: feature.window, filter })
      prepared.push({ ...(await judge.aggregates(expr, `in:${scope}`)), expr, filter, scope })
    } catch (error) {
      if (!isFault(error, 'invalid')) throw error
      refused.push(error)
    }
  }
  if (refused.length > 0) throw together(refused)

  const fingerprint = `fp1:${createHash('sha256')
    .update(canonicalize(identity(view, sources, prepared)))
    .digest('hex')}`
  return {
    view,
    fingerprint,
    features: prepared.map(({ feature }) => feature),
    prepared,
    scopes,
    sources,
    ...frames(view, sources, prepared, scopes),
  }
}

/** What is wrong with each of several features, a line each. */
function together(refused: readonly Fault[]): Fault {
  const shown = refused.slice(0, 20).map(({ message }) => message)
  const more = refused.length > 20 ? [`and ${refused.length - 20} more features are refused`] : []
  return new Fault('invalid', [...shown, ...more].join('\n'))
}

/** An expression over one event of a stream, judged as those of features are: its SQL over a relation, and its type. */
export async function compileEventValue(
  session: Session,
  shape: StreamShape,
  text: string,
  name: string,
): Promise<{ sql: string; type: string }> {
  const feature: Feature = { name, type: 'double', source: shape.stream, expr: text, place: 'the spine' }
  const { value, type } = await new Judge(session, feature, shape).ofEvent()
  return { sql: writeExpression(value), type }
}

function identity(view: FeatureView, sources: readonly StreamShape[], prepared: readonly Prepared[]): Json {
  return {
    kind: 'FeatureView',
    semantics: SEMANTICS,
    entity: view.entity,
    source: view.source,
    sources: sources.map(({ stream, contract }) => ({ stream, contract })),
    ttl: view.ttl ?? null,
    features: view.features.map((feature, index) => ({
      name: feature.name,
      type: feature.type,
      source: feature.source,
      window: feature.window ?? null,
      filter: (prepared[index]!.filter ?? null) as Json,
      expr: prepared[index]!.expr as unknown as Json,
      tolerance: feature.tolerance ?? null,
    })),
  }
}

function scopeOf(scopes: Scope[], scope: Scope): number {
  const key = (each: Scope): string => JSON.stringify(each)
  const index = scopes.findIndex((each) => key(each) === key(scope))
  return index >= 0 ? index : scopes.push(scope) - 1
}
