// The two sides that drift compares: rows of a training set or a snapshot, or the inputs of predictions.
import type { Drift, DriftRequest, FeatureValue, ModelVersion } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Snapshots } from '../features/snapshots.ts'
import type { TrainingSets } from '../features/training-sets.ts'
import type { PredictionFilter, PredictionSource } from './enumeration.ts'
import { draw } from './population.ts'
import type { Keep } from './population.ts'
import { markedOf } from './segments.ts'
import type { Marked } from './segments.ts'
import type { Selected } from './selection.ts'

export interface Observed {
  /** Absent of a prediction that states no inputs: only its score is compared. */
  values?: Readonly<Record<string, FeatureValue>>
  /** The instant as of which the values are: a time among them is compared by its age. */
  at?: string
  score?: number
  marked?: Marked
}

export interface Side {
  what: Drift['reference']['what']
  name: string
  /** Every row, page by page, in the same order and pages each time. */
  pages(): AsyncIterable<readonly Observed[]>
  /** What was counted when the pages were last gone through. */
  counted: { rows: number; erased: number; silent: number; altered: number }
}

interface Sources {
  source: PredictionSource
  snapshots: Snapshots
  trainingSets: TrainingSets
}

const PAGE = 1_000

export async function referenceOf(
  sources: Sources,
  { reference, seed, sample }: DriftRequest,
  selected: Selected,
  model: ModelVersion | undefined,
): Promise<Side> {
  const { trainingSet, snapshot, from, to } = reference ?? {}
  const window = from !== undefined || to !== undefined
  const given = [trainingSet !== undefined, snapshot !== undefined, window].filter(Boolean).length
  if (given > 1)
    throw new Fault('invalid', 'the reference is a training set, a snapshot, or a time of predictions: one of them')
  if (snapshot !== undefined) return snapshotSide(sources.snapshots, snapshot)
  if (window) {
    const [begin, end] = [from, to].map((time) => (time === undefined ? undefined : parseTime(time)))
    const { models } = selected.filter
    const filter: PredictionFilter = {
      ...(models ? { models } : {}),
      ...(begin === undefined ? {} : { from: begin }),
      ...(end === undefined ? {} : { to: end }),
    }
    const name = `predictions from ${from ?? 'the first'} to ${to ?? 'the last'}`
    return (await predictionSide(sources.source, filter, { name, seed, sample, keep: selected.keep })).side
  }
  const id = trainingSet ?? model?.trainingSet
  if (id === undefined)
    throw new Fault(
      'invalid',
      model
        ? `model version ${model.name}@${model.version} names no training set: give a reference (a training set, a snapshot, or a time of predictions)`
        : 'ask about one model version, or give a reference (a training set, a snapshot, or a time of predictions)',
    )
  return trainingSide(sources.trainingSets, id)
}

export async function servingOf(
  sources: Sources,
  { snapshot, seed, sample }: DriftRequest,
  { filter, keep, of }: Selected,
): Promise<Side & { population: number }> {
  if (snapshot !== undefined) {
    const side = await snapshotSide(sources.snapshots, snapshot)
    return Object.assign(side, { population: side.recorded })
  }
  const name = `predictions${of}`
  const { side, population } = await predictionSide(sources.source, filter, { name, seed, sample, keep })
  return Object.assign(side, { population })
}

const nothing = () => ({ rows: 0, erased: 0, silent: 0, altered: 0 })

async function trainingSide(trainingSets: TrainingSets, id: string): Promise<Side> {
  const { rows } = await trainingSets.get(id)
  const side: Side = {
    what: 'training set',
    name: id,
    counted: nothing(),
    async *pages() {
      const counted = nothing()
      for await (const page of trainingSets.rows(id)) {
        counted.rows += page.length
        yield page.map(({ values, at }) => ({ values, at }))
      }
      // A row that is on record and gone from a file that is as recorded went with its person.
      side.counted = { ...counted, erased: Math.max(0, rows - counted.rows) }
    },
  }
  return side
}

async function snapshotSide(snapshots: Snapshots, id: number): Promise<Side & { recorded: number }> {
  const { rows, view, at } = await snapshots.get(id)
  const side: Side & { recorded: number } = {
    what: 'snapshot',
    name: `${view}, snapshot ${id}`,
    recorded: rows,
    counted: nothing(),
    async *pages() {
      const counted = nothing()
      for await (const page of snapshots.rows(id)) {
        counted.rows += page.length
        yield page.map(({ values }) => ({ values, at }))
      }
      side.counted = { ...counted, erased: Math.max(0, rows - counted.rows) }
    },
  }
  return side
}

async function predictionSide(
  source: PredictionSource,
  filter: PredictionFilter,
  options: { name: string; seed?: number | undefined; sample?: number | undefined; keep?: Keep | undefined },
): Promise<{ side: Side; population: number }> {
  const { name, seed = 1, sample, keep } = options
  const drawn = await draw(source, filter, { seed, sample, keep })
  const side: Side = {
    what: 'predictions',
    name,
    counted: nothing(),
    async *pages() {
      const counted = nothing()
      for (const { refs } of drawn.chunks(PAGE)) {
        const observed: Observed[] = []
        for (const found of await source.open(refs)) {
          if (found.state === 'erased') counted.erased++
          else if (found.state === 'altered') counted.altered++
          else {
            const { inputs, score } = found.prediction
            if (!inputs) counted.silent++
            const marked = markedOf(found.prediction, found.time)
            observed.push({ ...(inputs ? { values: inputs } : {}), at: found.time, score, marked })
          }
        }
        counted.rows += observed.length
        yield observed
      }
      side.counted = counted
    },
  }
  return { side, population: drawn.population }
}
