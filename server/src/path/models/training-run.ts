// A training run, joined from what its source told of it at different times. Pure.
import type { RunArtifact, RunDataset, RunOrigin, RunStatus, TrainingRunRequest } from '@whence/sdk'

/** What was told of a run so far. */
export interface ToldRun extends Omit<TrainingRunRequest, 'id' | 'origin'> {
  origin: RunOrigin
  records: { seq: number; recorded: string; status?: RunStatus }[]
}

/** Records that are listed; all count. */
const LISTED = 100

/** The members of one record, as they are joined to what is known. */
export type Telling = Omit<TrainingRunRequest, 'id'>

/**
 * Joins a record to what was told before. What is stated again replaces what stood; maps are joined by key, artifacts by
 * path, datasets by name and context. That a run is running takes back no end: records may be late.
 */
export function joinRun(
  before: ToldRun | undefined,
  telling: Telling,
  record: { seq: number; recorded: string },
): ToldRun {
  const { origin, status, parameters, metrics, tags, code, environment, artifacts, datasets, ...rest } = telling
  const joined: ToldRun = {
    origin: origin ?? before?.origin ?? { system: 'api' },
    records: before?.records ?? [],
    ...without(before),
    ...defined(rest),
  }
  const holding = status === 'running' && before?.status !== undefined ? before.status : (status ?? before?.status)
  if (holding !== undefined) joined.status = holding
  if (parameters) joined.parameters = { ...before?.parameters, ...parameters }
  if (metrics) joined.metrics = { ...before?.metrics, ...metrics }
  if (tags) joined.tags = { ...before?.tags, ...tags }
  if (code) joined.code = { ...before?.code, ...defined(code) }
  if (environment) {
    joined.environment = { ...before?.environment, ...defined(environment) }
    if (environment.packages)
      joined.environment.packages = { ...before?.environment?.packages, ...environment.packages }
  }
  if (artifacts) joined.artifacts = byKey(before?.artifacts, artifacts, ({ path }: RunArtifact) => path)
  if (datasets)
    joined.datasets = byKey(before?.datasets, datasets, (set: RunDataset) => JSON.stringify([set.name, set.context]))
  const listed = { seq: record.seq, recorded: record.recorded, ...(status === undefined ? {} : { status }) }
  joined.records = [...joined.records, listed].slice(0, LISTED)
  return joined
}

function byKey<Item extends object>(
  before: readonly Item[] = [],
  told: readonly Item[],
  keyOf: (item: Item) => string,
): Item[] {
  const joined = new Map(before.map((item) => [keyOf(item), item]))
  for (const item of told) joined.set(keyOf(item), { ...joined.get(keyOf(item)), ...item })
  return [...joined.values()]
}

function defined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Value
}

function without(before: ToldRun | undefined): Partial<ToldRun> {
  if (!before) return {}
  const { origin: _, records: __, ...said } = before
  return said
}
