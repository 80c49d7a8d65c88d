// The predictions of a scope themselves, page by page: each is opened and checked as it is listed.
import type { ScopedPrediction, ScopeQuery } from '@whence/sdk'
import type { FoundPrediction, PredictionRef, PredictionSource } from '../../path/predictions/enumeration.ts'
import { bounded } from './scope.ts'
import type { ScopeParts } from './scope.ts'

/** Predictions that are opened at once. */
const PAGE = 1_000

/** Throws `not_found` and `invalid`. */
export async function* scopedPredictions(
  parts: ScopeParts & { source: PredictionSource },
  query: ScopeQuery,
): AsyncGenerator<ScopedPrediction[]> {
  const { source } = parts
  const { models, from, until } = await bounded(parts, query)
  if (models.length === 0) return
  const filter = { models, ...(from === undefined ? {} : { from }), ...(until === undefined ? {} : { to: until }) }
  for await (const refs of source.refs(filter))
    for (let at = 0; at < refs.length; at += PAGE) {
      const some = refs.slice(at, at + PAGE)
      const found = await source.open(some)
      yield some.map((ref, i) => shown(ref, found[i]!))
      await new Promise((resolve) => setImmediate(resolve))
    }
}

function shown({ seq, row, model, snapshot }: PredictionRef, found: FoundPrediction): ScopedPrediction {
  const at = { seq, ...(row === undefined ? {} : { row }), model, ...(snapshot === undefined ? {} : { snapshot }) }
  if (found.state === 'erased') return { ...at, state: 'erased' }
  if (found.state === 'altered')
    return { ...at, state: 'altered', ...(found.id === undefined ? {} : { id: found.id }), problem: found.problem }
  const { id, entity, score, decision } = found.prediction
  return {
    ...at,
    state: 'open',
    id,
    ...(entity === undefined ? {} : { entity }),
    subject: found.subject,
    time: found.time,
    score,
    ...(decision === undefined ? {} : { decision }),
  }
}
