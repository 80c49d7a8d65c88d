// What differs between two model versions, runs, versions of a dataset or snapshots; and further up, by which run.
import type { Difference, LineageDiff, LineageDiffQuery } from '@whence/sdk'
import type { LineageGraph } from '../../record/lineage/graph.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Snapshots } from '../../path/features/snapshots.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { compareOutputs, compareRuns, knownOf, lineName, nameOf } from './compare.ts'
import { historyOf } from './history.ts'
import type { History, PastRun } from './history.ts'
import { lackOf, sentencesOf } from './lack.ts'
import { positionOf } from './moment.ts'
import { shownSide, sideOf } from './side.ts'
import type { Side } from './side.ts'

export interface DiffParts {
  graph: LineageGraph
  ledger: Ledger
  follower: Follower
  snapshots: Snapshots
  clock: Clock
}

type Upstream = LineageDiff['upstream'][number]

/** Parameters that are different for each run. */
const moments = new Set(['as of', 'nominal time'])
/** Runs of which everything is read. */
const MOST = 300

export async function diff(parts: DiffParts, query: LineageDiffQuery): Promise<LineageDiff> {
  const { graph, ledger, clock } = parts
  const asOf = await positionOf(parts, query)
  const [from, to] = [await sideOf(graph, query.from, asOf), await sideOf(graph, query.to, asOf)]
  const notes: string[] = []
  for (const side of [from, to])
    if (!side.run) notes.push(`Nobody says which run made ${side.id}: only its schema is compared.`)
  const differences =
    from.run && to.run
      ? compareRuns(await knownOf(graph, from.run), await knownOf(graph, to.run))
      : compareOutputs(from, to)
  const rows = await rowsOf(parts.snapshots, from, to)
  const recordedAt = (position: number): Micros | undefined =>
    position > 0 && position <= ledger.size ? parseTime(ledger.entry(position - 1).recorded) : undefined
  const bounds = { depth: query.depth ?? 20, asOf }
  const [before, after] = [
    from.run && (await historyOf(graph, from.run.id, bounds, recordedAt)),
    to.run && (await historyOf(graph, to.run.id, bounds, recordedAt)),
  ]
  const { upstream, unchanged, truncated } =
    before && after
      ? await compareHistories(graph, { history: before, own: from.run!.id }, { history: after, own: to.run!.id }, asOf)
      : { upstream: [], unchanged: 0, truncated: false }
  const ids = [...new Set([before, after].flatMap((history) => history?.runs.flatMap(({ job }) => job ?? []) ?? []))]
  notes.push(...sentencesOf(await lackOf(graph, ids, asOf, clock.now())))
  if (truncated) notes.unshift('More lies upstream than this answer compares: ask with a smaller depth.')
  return {
    asOf,
    from: shownSide(from),
    to: shownSide(to),
    sentence: sentenceOf(from, to, differences, upstream),
    notes,
    differences,
    ...(rows ? { rows } : {}),
    upstream,
    unchanged,
    truncated,
  }
}

interface Past {
  history: History
  /** The run that is compared itself: it is not upstream. */
  own: string
}

async function compareHistories(
  graph: LineageGraph,
  before: Past,
  after: Past,
  asOf: number,
): Promise<Pick<LineageDiff, 'upstream' | 'unchanged' | 'truncated'>> {
  const [a, b] = [byName(before), byName(after)]
  const names = [...new Set([...b.keys(), ...a.keys()])]
  const nearest = (name: string): number => Math.min(a.get(name)?.depth ?? Infinity, b.get(name)?.depth ?? Infinity)
  names.sort((one, other) => nearest(one) - nearest(other) || (one < other ? -1 : 1))
  const upstream: Upstream[] = []
  let unchanged = 0
  for (const name of names.slice(0, MOST)) {
    const [one, other] = [a.get(name), b.get(name)]
    if (one && other && one.run === other.run) {
      unchanged++
      continue
    }
    const found = await compareStep(graph, name, one, other, nearest(name), asOf)
    if (found) upstream.push(found)
    else unchanged++
  }
  return {
    upstream,
    unchanged,
    truncated: before.history.truncated || after.history.truncated || names.length > MOST,
  }
}

/** The runs of a history by what they are runs of; the nearest of several, and of equally near ones the latest. */
function byName({ history, own }: Past): Map<string, PastRun> {
  const runs = new Map<string, PastRun>()
  for (const run of history.runs) {
    if (run.run === own) continue
    const name = lineName(run.job ?? `run:${run.run}`)
    const known = runs.get(name)
    if (!known || (known.depth === run.depth && (run.ended ?? 0) > (known.ended ?? 0))) runs.set(name, run)
  }
  return runs
}

async function compareStep(
  graph: LineageGraph,
  name: string,
  before: PastRun | undefined,
  after: PastRun | undefined,
  depth: number,
  asOf: number,
): Promise<Upstream | undefined> {
  const [one, other] = [before && (await graph.run(before.run, asOf)), after && (await graph.run(after.run, asOf))]
  const shown = (side: typeof one): Pick<Side, 'id' | 'run'> | undefined => side && { id: `run:${side.id}`, run: side }
  const differences =
    one && other
      ? compareRuns(await knownOf(graph, one), await knownOf(graph, other)).filter(
          // That a later run read later versions, at a later time, says nothing until something in them differs.
          ({ what, name: of, change }) =>
            !(what === 'input' && change === 'changed') && !(what === 'parameter' && moments.has(of)),
        )
      : []
  if (one && other && differences.length === 0) return undefined
  const [left, right] = [shown(one), shown(other)]
  return {
    name: nameOf(name),
    kind: 'job',
    depth,
    ...(left ? { before: shownSide(left) } : {}),
    ...(right ? { after: shownSide(right) } : {}),
    differences,
  }
}

/** Rows of snapshots and training sets: by the hashes of the rows as they were written. */
async function rowsOf(snapshots: Snapshots, from: Side, to: Side): Promise<LineageDiff['rows'] | undefined> {
  const [a, b] = [ourRows(from), ourRows(to)]
  if (!a || !b) return undefined
  return snapshots.compareRows(a, b).catch(() => undefined)
}

function ourRows({ dataset, version, output, run }: Side): { snapshot: number } | { training: string } | undefined {
  const named = version ?? output?.version
  if (dataset?.startsWith('view:') && run?.id.startsWith('snapshot/')) return { snapshot: Number(run.id.slice(9)) }
  if (dataset?.startsWith('training:')) return { training: dataset.slice('training:'.length) }
  // Of a model version the rows that it was trained on.
  const training = run?.inputs.find((input) => input.dataset.startsWith('training:'))
  if (dataset?.startsWith('model:') && training) return { training: training.version ?? named ?? '' }
  return undefined
}

/** A version of a dataset by its bare name; which dataset that is stands beside the sentence. */
function calledIn({ id, dataset, version }: Side): string {
  return dataset?.startsWith('dataset:') && version !== undefined ? `${nameOf(dataset)}@${version}` : id
}

function sentenceOf(from: Side, to: Side, differences: readonly Difference[], upstream: readonly Upstream[]): string {
  const between = `Between ${calledIn(from)} and ${calledIn(to)}`
  const first = upstream.find((step) => step.differences.length > 0)
  const kinds = [...new Set(differences.map(({ what }) => what))]
  const own =
    differences.length === 0
      ? 'nothing differs that is known'
      : `${differences.length} ${differences.length === 1 ? 'thing differs' : 'things differ'} (${kinds.join(', ')})`
  if (!first) return `${between} ${own}.`
  const what = first.differences.find(({ what: kind }) => kind === 'schema' || kind === 'code') ?? first.differences[0]!
  return `${between} ${own}; upstream the nearest difference is in ${first.name}, by run ${first.after?.run ?? first.before?.run}: ${what.what} ${what.what === 'input' ? nameOf(what.name) : what.name} ${what.change}.`
}
