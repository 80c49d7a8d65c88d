// The predictions that a cause concerns: those of the model versions behind it, or, where it names none, those that the
// decisions in its scope say they were made from.
import type { Cause } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { openAction } from '../../path/actions/recorded.ts'
import type { OpenedAction } from '../../path/actions/recorded.ts'
import type { PredictionFilter, PredictionRef, PredictionSource } from '../../path/predictions/enumeration.ts'
import { predictionIdentity } from '../../path/predictions/recorded.ts'
import type { Located } from '../../path/predictions/recorded.ts'
import type { Predictions } from '../../path/predictions/predictions.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { bounded } from './scope.ts'
import type { ScopeParts } from './scope.ts'

export interface ConcernedParts extends ScopeParts {
  predictions: Predictions
  source: PredictionSource
}

export interface Concerned {
  readonly says: string
  readonly source: PredictionSource
  readonly filter: PredictionFilter
  readonly notes: readonly string[]
}

interface Bounds {
  since?: string | undefined
  until?: string | undefined
}

const PAGE = 1000

/** `otherwise`: versions of models that are meant where the cause itself leads to no prediction. */
export async function concernedBy(
  parts: ConcernedParts,
  cause: Cause,
  { since, until }: Bounds,
  otherwise: readonly string[] = [],
): Promise<Concerned> {
  const found = await bounded(parts, {
    ...cause,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  })
  // What a message was made from was predicted before it was proposed: only bounds that were given count here, and not
  // the first message that an alarm has counted.
  const filter = {
    ...(since === undefined ? {} : { from: parseTime(since)! }),
    ...(until === undefined ? {} : { to: parseTime(until)! }),
  }
  if (found.models.length > 0)
    return {
      says: found.says,
      source: parts.source,
      filter: { ...filter, models: await versionsOf(parts, found.models) },
      notes: [],
    }
  const { refs, unknown } = await namedBy(parts, found.condition)
  if (refs.length > 0)
    return {
      says: `${found.says}: what its decisions were made from`,
      source: fixed(parts.source, refs),
      filter: {},
      notes: unknown > 0 ? [`${unknown} ids that decisions name are of no one prediction on record`] : [],
    }
  if (otherwise.length > 0)
    return { says: found.says, source: parts.source, filter: { ...filter, models: otherwise }, notes: [] }
  throw new Fault(
    'not_found',
    `${found.says}: no model version is behind it, and no decision in its scope names a prediction that it was made from`,
  )
}

/** Versions by their names, and all versions of a model that is named without one. */
async function versionsOf({ database, follower }: ConcernedParts, models: readonly string[]): Promise<string[]> {
  await follower.reach('model')
  const open = models.filter((name) => !name.includes('@'))
  const rows = await database.query<{ name: string; version: number }>(
    'select name, version from model_version where name = any($1::text[]) order by name, version',
    [open],
  )
  return [...models.filter((name) => name.includes('@')), ...rows.map(({ name, version }) => `${name}@${version}`)]
}

/** The predictions that actions name, each once. */
async function namedBy(
  parts: ConcernedParts,
  { sql, params }: { sql: string; params: readonly unknown[] },
): Promise<{ refs: PredictionRef[]; unknown: number }> {
  const { ledger, database } = parts
  const places = new Map<string, Located>()
  const unknown = new Set<string>()
  for (let after = -1n; ;) {
    const rows = await database.query<{ seq: bigint }>(
      `select seq from action a where ${sql} and seq > $${params.length + 1} order by seq limit ${PAGE}`,
      [...params, after],
    )
    for (const { seq } of rows) {
      const action = openAction(ledger, Number(seq))
      for (const id of action?.proposal.inputs?.predictions ?? []) {
        const at = await located(parts, action!, id)
        if (at) places.set(placeOf(at), at)
        else unknown.add(id)
      }
    }
    if (rows.length < PAGE) break
    after = rows.at(-1)!.seq
  }
  return { refs: await refsOf(parts, [...places.values()]), unknown: unknown.size }
}

/** The prediction that an action means by an id: its own source's, else the only one of that id. */
export async function located(
  { ledger, predictions }: { ledger: Ledger; predictions: Predictions },
  action: Pick<OpenedAction, 'source'>,
  id: string,
): Promise<Located | undefined> {
  const seq = ledger.find(predictionIdentity(ledger.subjects.idKey, action.source, id))
  if (seq !== undefined) return { seq }
  try {
    return await predictions.locate(id)
  } catch (error) {
    if (isFault(error, 'not_found') || isFault(error, 'conflict')) return undefined
    throw error
  }
}

export function placeOf({ seq, row }: Located): string {
  return row === undefined ? String(seq) : `${seq}/${row}`
}

async function refsOf(
  { database, follower, predictions }: ConcernedParts,
  places: Located[],
): Promise<PredictionRef[]> {
  await follower.reach('prediction', 'predictions')
  const refs: PredictionRef[] = []
  const singles = places.filter(({ row }) => row === undefined)
  for (let at = 0; at < singles.length; at += PAGE) {
    const rows = await database.query<{ seq: bigint; model: string; snapshot: bigint | null; subject: string | null }>(
      'select seq, model, snapshot, subject from prediction where seq = any($1::int8[])',
      [singles.slice(at, at + PAGE).map(({ seq }) => BigInt(seq))],
    )
    for (const { seq, model, snapshot, subject } of rows)
      refs.push({
        seq: Number(seq),
        model,
        ...(snapshot === null ? {} : { snapshot: Number(snapshot) }),
        ...(subject === null ? {} : { subject }),
      })
  }
  const inBatches = places.filter(({ row }) => row !== undefined)
  for (const [seq, rows] of Map.groupBy(inBatches, (place) => place.seq)) {
    const { model, snapshot } = await predictions.batches.book.get(seq)
    for (const { row } of rows) refs.push({ seq, row: row!, model, ...(snapshot === undefined ? {} : { snapshot }) })
  }
  return refs
}

/** Those and no others; they are opened where they are kept. */
function fixed(source: PredictionSource, refs: readonly PredictionRef[]): PredictionSource {
  return {
    async *refs() {
      yield refs
    },
    open: (those) => source.open(those),
  }
}
