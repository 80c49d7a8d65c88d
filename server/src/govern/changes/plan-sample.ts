// What a planned view would do to the values of a sample of people: both versions are computed as of the same instants.
import type { FeatureValue, PlanSample } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import type { ContractBook } from '../../path/events/contract-book.ts'
import type { CompiledView, Relations } from '../../path/features/compile.ts'
import type { EventColumns } from '../../path/features/event-columns.ts'
import { outward } from '../../path/features/outward.ts'
import { loadSpine } from '../../path/features/recompute.ts'
import type { Value } from '../../path/features/rows.ts'
import { formatTime } from '../../record/time.ts'
import type { Micros } from '../../record/time.ts'
import { identifier, timestamp } from '../../store/columns.ts'
import type { Columns, Session } from '../../store/columns.ts'

const EXAMPLES = 3

export interface SampleParts {
  columns: Columns
  events: EventColumns
  contracts: ContractBook
  /** Milliseconds that one query of it may take. */
  limit?: number
}

export interface SampleOf {
  size: number
  asOf: number
  now: Micros
  /** Event time at which both are computed; default: when the last of these people was heard of. */
  at?: Micros | undefined
}

/**
 * The same log, files and size give the same sample: the people whose events of the main stream were recorded last.
 * Undefined where a stream has no events yet. What the new version cannot compute on real events is told as `problem`.
 */
export async function sampleOf(
  { columns, events, contracts, limit }: SampleParts,
  before: CompiledView | undefined,
  after: CompiledView,
  { size, asOf, now, at }: SampleOf,
): Promise<PlanSample | undefined> {
  const streams = new Set([...after.sources, ...(before?.sources ?? [])].map(({ stream }) => stream))
  const known = new Set(contracts.streams())
  if (size === 0 || [...streams].some((stream) => !known.has(stream))) return undefined
  for (const stream of streams) await events.extend(stream, contracts.columns(stream), asOf)
  const read = async (relations: Relations, earlier: Relations): Promise<PlanSample> =>
    columns.session(
      async (session) => {
        const people = await recent(session, relations(after.view.source), { size, asOf, now })
        if (people.length === 0) return { people: 0, asOf, features: [] }
        const when = at ?? Math.max(...people.map(({ last }) => last))
        await loadSpine(
          session,
          people.map(({ subject }) => ({ subject, at: when, asOf })),
        )
        const base = { people: people.length, at: formatTime(when), asOf }
        try {
          const was = before && (await valuesOf(session, before, earlier))
          const is = await valuesOf(session, after, relations)
          const subjects = people.map(({ subject }) => subject)
          return { ...base, features: compared(subjects, was, is) }
        } catch (error) {
          if (!isFault(error)) throw error
          return { ...base, problem: error.message, features: [] }
        }
      },
      limit === undefined ? {} : { limit },
    )
  return events.use(after.sources, asOf, (relations) =>
    before ? events.use(before.sources, asOf, (earlier) => read(relations, earlier)) : read(relations, relations),
  )
}

interface Person {
  subject: string
  last: Micros
}

async function recent(
  session: Session,
  relation: string,
  { size, asOf, now }: Pick<SampleOf, 'size' | 'asOf' | 'now'>,
): Promise<Person[]> {
  const rows = await session.rows<{ subject: Buffer; last: number }>(
    `SELECT subject, max(greatest(time, known)) AS last FROM ${relation}
     WHERE seq < ${asOf} AND time <= ${timestamp(now)} AND known <= ${timestamp(now)}
     GROUP BY subject ORDER BY max(seq) DESC, subject LIMIT ${size}`,
  )
  return rows.map(({ subject, last }) => ({ subject: subject.toString('hex'), last }))
}

type Values = Record<string, FeatureValue>

/** For each row of the spine the values of a view; undefined where a snapshot would have no row. */
async function valuesOf(session: Session, view: CompiledView, relations: Relations): Promise<(Values | undefined)[]> {
  const named = view.features.map(({ name }, index) => `${identifier(name)} AS v${index}`).join(', ')
  const rows = await session.rows<Record<`v${number}`, Value> & { present: boolean }>(
    `SELECT present, ${named} FROM (${view.spine(relations, 'spine')}) ORDER BY "row"`,
  )
  const types = view.features.map(({ column }) => column)
  return rows.map((row) =>
    row.present
      ? outward(types, Object.fromEntries(view.features.map(({ name }, index) => [name, row[`v${index}`]!])))
      : undefined,
  )
}

function compared(
  subjects: readonly string[],
  was: readonly (Values | undefined)[] | undefined,
  is: readonly (Values | undefined)[],
): PlanSample['features'] {
  const names = new Set([...(was ?? []), ...is].flatMap((values) => Object.keys(values ?? {})))
  return [...names].map((feature) => {
    const differing = subjects.flatMap((subject, index) => {
      const [before, after] = [was?.[index]?.[feature], is[index]?.[feature]]
      if (JSON.stringify(before) === JSON.stringify(after)) return []
      return [{ subject, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }]
    })
    return { feature, changed: differing.length, examples: differing.slice(0, EXAMPLES) }
  })
}
