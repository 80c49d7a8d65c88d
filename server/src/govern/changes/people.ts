// Who is concerned by model versions: counted where predictions are kept, at the time of the question. So an erasure
// takes a person out of the count by itself.
import type { ModelReach } from '@whence/sdk'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Micros } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'

interface Named {
  name: string
  predictions: number
}

export interface PredictionsOf {
  models: ModelReach[]
  predictions: number
  /** Distinct over all the models: someone whom two of them are about counts once. */
  people: number
  erased: number
  campaigns: Named[]
  creatives: Named[]
  campaignCount: number
  creativeCount: number
}

const SHOWN = 100

/** Of model versions (`name@N`), or made from feature snapshots. */
export interface Which {
  models: readonly string[]
  snapshots?: readonly number[]
}

/** Counts predictions that were recorded before a position and made since a time. */
export async function predictionsOf(
  { database, follower }: { database: Database; follower: Follower },
  { models, snapshots = [] }: Which,
  asOf: number,
  since?: Micros,
): Promise<PredictionsOf> {
  const none = { models: [], predictions: 0, people: 0, erased: 0, campaigns: [], creatives: [] }
  if (models.length === 0 && snapshots.length === 0) return { ...none, campaignCount: 0, creativeCount: 0 }
  await follower.reach('prediction', 'erasure')
  const whole = asOf >= follower.next && since === undefined
  const served = (await modelsServed(database, snapshots, asOf)).filter((model) => !models.includes(model))
  // Without bounds the index over (model, subject) has all that is asked for.
  const params: unknown[] = [[...models, ...served]]
  const bounds = [
    served.length === 0
      ? ''
      : ` and (model <> all($${params.push(served)}::text[]) or snapshot = any($${params.push(snapshots.map(BigInt))}::int8[]))`,
    whole ? '' : ` and seq < $${params.push(BigInt(asOf))}`,
    // Of an erased prediction the time is gone: it counts as erased, whenever it was.
    since === undefined ? '' : ` and (at is null or at >= $${params.push(BigInt(since))})`,
  ].join('')
  const where = `model = any($1::text[])${bounds}`
  const perModel = await database.query<{
    model: string
    predictions: bigint
    erased: bigint
    first: bigint | null
    last: bigint | null
  }>(
    `select model, count(*) as predictions, count(*) - count(subject) as erased, min(at) as first, max(at) as last
     from prediction where ${where} group by model`,
    params,
  )
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
  const named = async (column: 'campaign' | 'creative'): Promise<{ names: Named[]; total: number }> => {
    const rows = await database.query<{ name: string; predictions: bigint; total: bigint }>(
      `select ${column} as name, count(*) as predictions, count(*) over () as total from prediction
       where ${where} and ${column} is not null group by ${column} order by count(*) desc, ${column} limit ${SHOWN}`,
      params,
    )
    const names = rows.map(({ name, predictions }) => ({ name, predictions: Number(predictions) }))
    return { names, total: Number(rows[0]?.total ?? 0) }
  }
  const [campaigns, creatives] = [await named('campaign'), await named('creative')]
  const peopleOf = new Map(people.map(({ model, people: n }) => [model, Number(n)]))
  return {
    models: perModel
      .map(({ model, predictions, first, last }) => ({
        model,
        predictions: Number(predictions),
        people: peopleOf.get(model) ?? 0,
        ...(first === null ? {} : { first: formatTime(Number(first)) }),
        ...(last === null ? {} : { last: formatTime(Number(last)) }),
      }))
      .toSorted((a, b) => b.people - a.people || (a.model < b.model ? -1 : 1)),
    predictions: perModel.reduce((sum, { predictions }) => sum + Number(predictions), 0),
    people: all,
    erased: perModel.reduce((sum, { erased }) => sum + Number(erased), 0),
    campaigns: campaigns.names,
    creatives: creatives.names,
    campaignCount: campaigns.total,
    creativeCount: creatives.total,
  }
}

/** The models of predictions that were made from snapshots: from one to the next, not prediction by prediction. */
export async function modelsServed(database: Database, snapshots: readonly number[], asOf: number): Promise<string[]> {
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
  return rows.map(({ model }) => model)
}
