// Which predictions a question asks for: what the tables decide, and what only their content does.
import type { PredictionSelection } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Models } from '../models/models.ts'
import type { PredictionFilter } from './enumeration.ts'
import type { Keep } from './population.ts'
import { condition, markedOf } from './segments.ts'

export interface Selected {
  filter: PredictionFilter
  keep?: Keep
  /** The one model version that was asked for. */
  model?: string
  /** For sentences: `of opens@1`; empty when all were asked for. */
  of: string
  /** It asks for less than all predictions of its models. */
  narrowed: boolean
}

/** Which versions aliases point at: those are live. */
export interface LiveModels {
  live(environment: string): Promise<string[]>
}

export async function selectionOf(
  { models, aliases }: { models: Models; aliases: LiveModels },
  request: PredictionSelection,
): Promise<Selected> {
  const ways = [request.model, request.models, request.live].filter((way) => way !== undefined)
  if (ways.length > 1) throw new Fault('invalid', 'give one of "model", "models" and "live"')
  const asked =
    request.live === undefined
      ? (request.models ?? (request.model === undefined ? undefined : [request.model]))
      : await aliases.live(request.live)
  if (asked?.length === 0)
    throw new Fault('not_found', `no alias points at a model version in ${request.live}: see whence model alias --help`)
  const names: string[] = []
  for (const name of asked ?? []) {
    const { name: own, version } = await models.get(name)
    names.push(`${own}@${version}`)
  }
  const [from, to] = [moment('from', request.from), moment('to', request.to)]
  if (from !== undefined && to !== undefined && from >= to)
    throw new Fault('invalid', `"from" (${request.from}) is not before "to" (${request.to})`)
  const conditions = Object.entries(request.segment ?? {}).map(([key, value]) => condition(key, value))
  return {
    filter: {
      ...(asked ? { models: [...new Set(names)] } : {}),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    },
    ...(conditions.length > 0 ? { keep: keeping(conditions) } : {}),
    ...(names.length === 1 ? { model: names[0]! } : {}),
    of: asked ? ` of ${names.join(', ')}` : '',
    narrowed: from !== undefined || to !== undefined || conditions.length > 0,
  }
}

/** One that does not open stays: an alteration must not hide it. Of one that was erased nothing can be said any more. */
function keeping(conditions: readonly ReturnType<typeof condition>[]): Keep {
  return (_, found) => {
    if (found.state !== 'open') return found.state === 'altered'
    const marked = markedOf(found.prediction, found.time)
    return conditions.every((holds) => holds(marked))
  }
}

function moment(name: string, time: string | undefined): number | undefined {
  if (time === undefined) return undefined
  const found = parseTime(time)
  if (found === undefined) throw new Fault('invalid', `"${name}": "${time}" is no time`)
  return found
}
