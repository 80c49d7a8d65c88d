// Where a record goes: the stream of an event, the batch of a prediction, or the runs.

/** Predictions of one model version: what `PredictionBatch` says besides the predictions. */
export interface Predictions {
  readonly model: string
  readonly snapshot?: number
  readonly consequential?: boolean
}

/** `emit('clicks', …)`, `emit({ model: 'buys@3', snapshot: 12 }, …)`, `emit({ runs: true }, …)`, OpenLineage events too. */
export type Target =
  | string
  | { readonly stream: string }
  | Predictions
  | { readonly runs: true }
  | { readonly lineage: true }

/** A target, resolved. `key` is its canonical JSON: the same target is the same destination in every run. */
export interface Destination {
  readonly key: string
  /** The stream that its accounts are kept under. */
  readonly stream: string
  /** The field that holds the id of a record, where we know it. */
  readonly id: string | undefined
  /** Records that one request may carry. */
  readonly most: number
  path(emitter: string, numbers: string): string
  readonly type: string
  body(records: readonly string[]): string
}

const PREDICTIONS = 'whence.predictions'
const RUNS = 'whence.runs'

/** Undefined for what is no target. */
export function destinationOf(target: unknown): Destination | undefined {
  if (typeof target === 'string') return target === '' ? undefined : stream(target)
  if (typeof target !== 'object' || target === null) return undefined
  const given = target as Record<string, unknown>
  if (typeof given.stream === 'string' && given.stream !== '') return stream(given.stream)
  if (typeof given.model === 'string' && given.model !== '') return predictions(given)
  if (given.runs === true) return runs
  return given.lineage === true ? lineage : undefined
}

export function destinationOfKey(key: string): Destination | undefined {
  try {
    return destinationOf(JSON.parse(key))
  } catch {
    return undefined
  }
}

function stream(name: string): Destination {
  return {
    key: JSON.stringify({ stream: name }),
    stream: name,
    id: undefined,
    most: 1000,
    path: (emitter, numbers) => `/v1/streams/${encodeURIComponent(name)}/events?emitter=${emitter}&n=${numbers}`,
    type: 'application/x-ndjson',
    body: (records) => `${records.join('\n')}\n`,
  }
}

function predictions({ model, snapshot, consequential }: Record<string, unknown>): Destination {
  const batch = {
    model,
    ...(typeof snapshot === 'number' ? { snapshot } : {}),
    ...(typeof consequential === 'boolean' ? { consequential } : {}),
  }
  const key = JSON.stringify(batch)
  return {
    key,
    stream: PREDICTIONS,
    id: 'id',
    most: 1000,
    path: (emitter, numbers) => `/v1/predictions?emitter=${emitter}&n=${numbers}`,
    type: 'application/json',
    body: (records) => `${key.slice(0, -1)},"predictions":[${records.join(',')}]}`,
  }
}

const lineage: Destination = {
  key: '{"lineage":true}',
  stream: 'whence.lineage',
  id: undefined,
  most: 1,
  path: () => '/api/v1/lineage',
  type: 'application/json',
  body: ([record]) => record!,
}

const runs: Destination = {
  key: '{"runs":true}',
  stream: RUNS,
  id: 'id',
  most: 1,
  path: () => '/v1/training-runs',
  type: 'application/json',
  body: ([record]) => record!,
}
