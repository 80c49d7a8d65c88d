// Runs as W3C PROV (PROV-JSON, https://www.w3.org/submissions/prov-json/): entities are versions of datasets, activities
// are runs, agents are producers and owners.
import type { LineageGraph, RunDetail } from '../../../record/lineage/graph.ts'
import { formatTime } from '../../../record/time.ts'
import { ProvWriter, qualified } from './prov-writer.ts'
import type { ProvValues } from './prov-writer.ts'

/** Inputs times outputs of one run, at most: beyond that `used` and `wasGeneratedBy` say the same. */
const MOST_DERIVATIONS = 10_000

/** Collects runs and writes the document. The same runs in any order give the same document. */
export class ProvDocument {
  readonly #prov = new ProvWriter()

  add(run: RunDetail, owners: readonly string[]): void {
    const activity = qualified('run', run.id)
    this.#prov.put('activity', activity, {
      'prov:startTime': formatTime(run.started),
      ...(run.ended === undefined ? {} : { 'prov:endTime': formatTime(run.ended) }),
      'prov:label': run.job ?? run.id,
      ...(run.state ? { 'whence:state': run.state } : {}),
      ...(run.parent ? { 'whence:parent': run.parent } : {}),
    })
    const producer = qualified('agent', `producer:${run.producer}`)
    this.#prov.put('agent', producer, { 'prov:label': run.producer || 'unknown', 'whence:role': 'producer' })
    this.#prov.relate('wasAssociatedWith', { 'prov:activity': activity, 'prov:agent': producer })
    for (const owner of owners) {
      const agent = qualified('agent', `owner:${owner}`)
      this.#prov.put('agent', agent, { 'prov:label': owner, 'whence:role': 'owner' })
      const who = { 'prov:delegate': producer, 'prov:responsible': agent, 'prov:activity': activity }
      this.#prov.relate('actedOnBehalfOf', who)
    }
    const inputs = run.inputs.map((use) => this.#entity(use.dataset, use.version, run.id))
    const outputs = run.outputs.map((use) => this.#entity(use.dataset, use.version ?? `run:${run.id}`, run.id))
    for (const [i, entity] of inputs.entries()) {
      const { resolved } = run.inputs[i]!
      this.#prov.relate('used', { 'prov:activity': activity, 'prov:entity': entity, 'whence:version': resolved })
    }
    // What a run that failed left behind is no version: PROV would take it for one.
    if (run.state === 'FAIL' || run.state === 'ABORT') return
    for (const entity of outputs) {
      const at: ProvValues = run.ended === undefined ? {} : { 'prov:time': formatTime(run.ended) }
      this.#prov.relate('wasGeneratedBy', { 'prov:entity': entity, 'prov:activity': activity, ...at })
    }
    if (inputs.length * outputs.length > MOST_DERIVATIONS) return
    for (const generated of outputs)
      for (const used of inputs)
        if (generated !== used)
          this.#prov.relate('wasDerivedFrom', {
            'prov:generatedEntity': generated,
            'prov:usedEntity': used,
            'prov:activity': activity,
          })
  }

  /** A version, and the dataset of which it is one. Of an unknown version every run has its own. */
  #entity(dataset: string, version: string | undefined, run: string): string {
    const whole = qualified('dataset', dataset)
    this.#prov.put('entity', whole, { 'prov:label': dataset, 'whence:kind': 'dataset' })
    const own = qualified('version', dataset, version ?? `unknown to run:${run}`)
    this.#prov.put('entity', own, {
      'prov:label': `${dataset}@${version ?? 'unknown'}`,
      'whence:kind': version === undefined ? 'unknown version' : 'version',
    })
    this.#prov.relate('specializationOf', { 'prov:specificEntity': own, 'prov:generalEntity': whole })
    return own
  }

  text(): Generator<string> {
    return this.#prov.text()
  }
}

export interface ProvQuery {
  readonly asOf: number
  /** Only runs that are reached from here. */
  readonly runs?: ReadonlySet<string>
}

/** All runs of the graph, or those given, as one document, in pieces. */
export async function* provJson(graph: LineageGraph, { asOf, runs }: ProvQuery): AsyncGenerator<string> {
  const document = new ProvDocument()
  const owners = new Map<string, string[]>()
  const add = async (id: string): Promise<void> => {
    const run = await graph.run(id, asOf)
    const { job } = run
    if (job !== undefined && !owners.has(job)) owners.set(job, await ownersOf(graph, job, asOf))
    document.add(run, owners.get(job ?? '') ?? [])
  }
  if (runs !== undefined) for (const id of runs) await add(id)
  else
    for (const { id: job } of await graph.nodes(['job'], asOf))
      for (const { id } of await graph.runsOf(job, asOf, Number.MAX_SAFE_INTEGER)) await add(id)
  for (const piece of document.text()) yield piece
}

async function ownersOf(graph: LineageGraph, job: string, asOf: number): Promise<string[]> {
  const facet = (await graph.facets(job, asOf)).find(({ name }) => name === 'ownership')
  const { owners } = (facet?.body ?? {}) as { owners?: unknown }
  return (Array.isArray(owners) ? owners : []).flatMap((owner: unknown) => {
    const name = (owner as { name?: unknown } | null)?.name
    return typeof name === 'string' && name !== '' ? [name] : []
  })
}

/** The runs that a walk from a node reaches. A run of its own is reached too. */
export async function runsFrom(
  graph: LineageGraph,
  node: string,
  direction: 'backward' | 'forward' | 'both',
  asOf: number,
): Promise<Set<string>> {
  const found = new Set<string>()
  let cursor: string | undefined
  do {
    const from = /^(run|version):/.test(node) ? node : (await graph.resolve(node, asOf)).id
    const page = await graph.walkRuns({ from: [from], direction, asOf, ...(cursor ? { cursor } : {}) })
    for (const each of page.nodes) if (each.kind === 'run') found.add(each.run)
    ;({ cursor } = page)
  } while (cursor !== undefined)
  return found
}
