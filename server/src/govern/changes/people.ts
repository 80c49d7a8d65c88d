// Who is concerned by model versions: counted where predictions are kept, at the time of the question. So an erasure
// takes a person out of the count by itself. Predictions with records of their own are counted in their table, rows of
// batches in their files, and people who are in both once.
import type { ModelReach } from '@whence/sdk'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import type { BatchTally, Named, Names, Within } from '../../path/predictions/batches/tally.ts'

export interface PredictionsOf {
  models: ModelReach[]
  predictions: number
  /** Of the predictions, rows of batches. */
  inBatches: number
  /** Distinct over all the models: someone whom two of them are about counts once. */
  people: number
  erased: number
  /** Rows of batches in files that cannot be read: not among the people. */
  unread: number
  campaigns: Named[]
  creatives: Named[]
  campaignCount: number
  creativeCount: number
}

const SHOWN = 100
/** Pairs of model and person that one query gives. */
const PAGE = 50_000

export interface CountedBatches {
  readonly tally: BatchTally
}

interface Parts {
  database: Database
  follower: Follower
  batches: CountedBatches
}

/** Of model versions (`name@N`), or made from feature snapshots. */
export interface Which {
  models: readonly string[]
  snapshots?: readonly number[]
}

/** Counts predictions that were recorded before a position and made in a time. */
export async function predictionsOf(
  parts: Parts,
  { models, snapshots = [] }: Which,
  asOf: number,
  within: Within = {},
): Promise<PredictionsOf> {
  const { database, follower, batches } = parts
  if (models.length === 0 && snapshots.length === 0) return nobody
  await follower.reach('prediction', 'erasure')
  const served = (await modelsServed(parts, snapshots, asOf)).filter((model) => !models.includes(model))
  const singles = singlesWhere({ models, served, snapshots }, asOf, asOf >= follower.next, within)
  const [own, chosen] = [
    await countSingles(database, singles),
    await batches.tally.chosen({ models, served: { models: served, snapshots }, before: asOf, ...within }),
  ]
  if (chosen.length === 0) return own
  const counted = await batches.tally.count(
    chosen,
    within,
    own.people === 0
      ? undefined
      : {
          people: () => peopleOf(database, singles),
          campaigns: () => namesIn(database, singles, 'campaign'),
          creatives: () => namesIn(database, singles, 'creative'),
        },
  )
  const rows = [...counted.models]
  const sum = (of: 'predictions' | 'erased' | 'unread'): number => rows.reduce((total, [, one]) => total + one[of], 0)
  const reach = new Map(own.models.map((one) => [one.model, one]))
  for (const [model, { predictions, first, last }] of rows) {
    if (predictions === 0) continue
    const known = reach.get(model)
    reach.set(model, {
      model,
      predictions: (known?.predictions ?? 0) + predictions,
      people: 0,
      ...timesOf(
        [known?.first, first === undefined ? undefined : formatTime(first)]
          .filter((at) => at !== undefined)
          .toSorted()[0],
        [known?.last, last === undefined ? undefined : formatTime(last)]
          .filter((at) => at !== undefined)
          .toSorted()
          .at(-1),
      ),
    })
  }
  return {
    models: ordered([...reach.values()].map((one) => ({ ...one, people: counted.people.get(one.model) ?? 0 }))),
    predictions: own.predictions + sum('predictions'),
    inBatches: sum('predictions'),
    people: counted.everybody,
    erased: own.erased + sum('erased'),
    unread: sum('unread'),
    campaigns: counted.campaigns.names,
    creatives: counted.creatives.names,
    campaignCount: counted.campaigns.total,
    creativeCount: counted.creatives.total,
  }
}

/** SQL over the table of predictions, with its parameters. */
interface Where {
  readonly where: string
  /** The bounds alone, of one model. */
  readonly bounds: string
  readonly params: unknown[]
}

function singlesWhere(
  { models, served, snapshots }: { models: readonly string[]; served: readonly string[]; snapshots: readonly number[] },
  asOf: number,
  whole: boolean,
  { from, to }: Within,
): Where {
  // Without bounds the index over (model, subject) has all that is asked for.
  const params: unknown[] = [[...models, ...served]]
  const bounds = [
    served.length === 0
      ? ''
      : ` and (model <> all($${params.push(served)}::text[]) or snapshot = any($${params.push(snapshots.map(BigInt))}::int8[]))`,
    whole && from === undefined && to === undefined ? '' : ` and seq < $${params.push(BigInt(asOf))}`,
    // Of an erased prediction the time is gone: it counts as erased, whenever it was.
    from === undefined ? '' : ` and (at is null or at >= $${params.push(BigInt(from))})`,
    to === undefined ? '' : ` and (at is null or at < $${params.push(BigInt(to))})`,
  ].join('')
  return { where: `model = any($1::text[])${bounds}`, bounds, params }
}

async function countSingles(database: Database, singles: Where): Promise<PredictionsOf> {
  const { where, bounds, params } = singles
  const { perModel, campaigns, creatives } = await grouped(database, singles)
  // Model by model, in the order of that index: neither sorted nor hashed.
  const people = await database.query<{ model: string; people: bigint }>(
    `select m as model, people from unnest($1::text[]) as m
     cross join lateral (select count(distinct subject) as people from prediction where model = m${bounds}) as one
     where people > 0`,
    params,
  )
  const all =
    people.length === 1
      ? Number(people[0]!.people)
      : Number(
          (
            await database.query<{ people: bigint }>(
              `select count(*) as people from (select distinct subject from prediction where ${where} and subject is not null) as one`,
              params,
            )
          )[0]!.people,
        )
  const byModel = new Map(people.map(({ model, people: n }) => [model, Number(n)]))
  return {
    models: ordered(
      perModel.map(({ model, predictions, first, last }) => ({
        model,
        predictions: Number(predictions),
        people: byModel.get(model) ?? 0,
        ...timesOf(
          first === null ? undefined : formatTime(Number(first)),
          last === null ? undefined : formatTime(Number(last)),
        ),
      })),
    ),
    predictions: perModel.reduce((sum, { predictions }) => sum + Number(predictions), 0),
    inBatches: 0,
    people: all,
    erased: perModel.reduce((sum, { erased }) => sum + Number(erased), 0),
    unread: 0,
    campaigns: campaigns.names,
    creatives: creatives.names,
    campaignCount: campaigns.total,
    creativeCount: creatives.total,
  }
}

interface Grouped {
  perModel: { model: string; predictions: bigint; erased: bigint; first: bigint | null; last: bigint | null }[]
  campaigns: Names
  creatives: Names
}

/** By model, by campaign and by creative: each row of the table is counted once for all three. */
async function grouped(database: Database, { bounds, params }: Where): Promise<Grouped> {
  const rows = await database.query<{
    kind: number
    model: string | null
    name: string | null
    predictions: bigint
    erased: bigint
    first: bigint | null
    last: bigint | null
    total: bigint
  }>(
    `with each as (
       select m as model, one.* from unnest($1::text[]) as m cross join lateral (
         select campaign, creative, count(*) as predictions, count(*) - count(subject) as erased,
           min(at) as first, max(at) as last
         from prediction where model = m${bounds} group by campaign, creative) as one),
     counted as (
       select grouping(model, campaign, creative) as kind, model, coalesce(campaign, creative) as name,
         sum(predictions)::int8 as predictions, sum(erased)::int8 as erased, min(first) as first, max(last) as last
       from each group by grouping sets ((model), (campaign), (creative))),
     ranked as (
       select *, row_number() over ranks as rank, count(*) over (partition by kind) as total
       from counted where model is not null or name is not null
       window ranks as (partition by kind order by predictions desc, name))
     select kind, model, name, predictions, erased, first, last, total from ranked
     where model is not null or rank <= ${SHOWN} order by kind, rank`,
    params,
  )
  // A bit for each column that a row is not grouped by.
  const [MODEL, CAMPAIGN, CREATIVE] = [0b011, 0b101, 0b110] as const
  const names = (kind: number): Names => {
    const those = rows.filter((row) => row.kind === kind)
    return {
      names: those.map(({ name, predictions }) => ({ name: name!, predictions: Number(predictions) })),
      total: Number(those[0]?.total ?? 0),
    }
  }
  return {
    perModel: rows.flatMap(({ kind, model, ...row }) => (kind === MODEL ? [{ model: model!, ...row }] : [])),
    campaigns: names(CAMPAIGN),
    creatives: names(CREATIVE),
  }
}

/** All of them: of those that are frequent in batches none may be missing. */
async function* namesIn(
  database: Database,
  { where, params }: Where,
  column: 'campaign' | 'creative',
): AsyncGenerator<Named[]> {
  const rows = await database.query<{ name: string; predictions: bigint }>(
    `select ${column} as name, count(*) as predictions from prediction
     where ${where} and ${column} is not null group by ${column}`,
    params,
  )
  yield rows.map(({ name, predictions }) => ({ name, predictions: Number(predictions) }))
}

/** Each model with each of its people once, in the order of the index over both. */
async function* peopleOf(
  database: Database,
  { where, params }: Where,
): AsyncGenerator<{ model: string; subject: string }[]> {
  const [model, subject] = [`$${params.length + 1}`, `$${params.length + 2}`]
  for (let last = { model: '', subject: '' }; ;) {
    const rows = await database.query<{ model: string; subject: string }>(
      `select distinct model, subject from prediction
       where ${where} and subject is not null and (model, subject) > (${model}, ${subject})
       order by model, subject limit ${PAGE}`,
      [...params, last.model, last.subject],
    )
    yield rows
    if (rows.length < PAGE) return
    last = rows.at(-1)!
  }
}

/** The models of predictions that were made from snapshots: from one to the next, not prediction by prediction. */
export async function modelsServed(
  { database, batches }: Pick<Parts, 'database' | 'batches'>,
  snapshots: readonly number[],
  asOf: number,
): Promise<string[]> {
  if (snapshots.length === 0) return []
  const rows = await database.query<{ model: string }>(
    `with recursive served as (
       select s.id, (select min(model) from prediction where snapshot = s.id and seq < $2) as model from unnest($1::int8[]) as s (id)
       union all
       select id, (select min(model) from prediction where snapshot = id and model > served.model and seq < $2) from served
       where model is not null)
     select distinct model from served where model is not null order by model`,
    [snapshots.map(BigInt), BigInt(asOf)],
  )
  const inBatches = await batches.tally.served(snapshots, asOf)
  return [...new Set([...rows.map(({ model }) => model), ...inBatches])].toSorted()
}

/** What is said where files of batches cannot be read. */
export function unreadNote(unread: number | undefined): string[] {
  if (unread === undefined || unread === 0) return []
  const many = unread === 1 ? '1 prediction stands' : `${unread} predictions stand`
  return [
    `${many} in batches whose files cannot be read: the people are not counted. Restore the files (whence verify names them).`,
  ]
}

const nobody: PredictionsOf = {
  models: [],
  predictions: 0,
  inBatches: 0,
  people: 0,
  erased: 0,
  unread: 0,
  campaigns: [],
  creatives: [],
  campaignCount: 0,
  creativeCount: 0,
}

function ordered(models: ModelReach[]): ModelReach[] {
  return models.toSorted((a, b) => b.people - a.people || (a.model < b.model ? -1 : 1))
}

function timesOf(first: string | undefined, last: string | undefined): Pick<ModelReach, 'first' | 'last'> {
  return { ...(first === undefined ? {} : { first }), ...(last === undefined ? {} : { last }) }
}
