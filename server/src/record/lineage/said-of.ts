// What records said of a run or a node, read back from the ledger: the tables hold only where.
import type { Ledger } from '../ledger/ledger.ts'
import { kindOf } from '../ledger/entry.ts'
import type { HeldFacet } from './answers.ts'
import { digestOf, readRecord } from './reading.ts'
import type { Said, StatementReaders } from './reading.ts'
import type { Facets, Statement, Use } from './statement.ts'
import { nodeId } from './statement.ts'

export type Reread = (seq: number) => Promise<readonly Said[]>

/** Statements of a record, by its position; none where it does not read. */
export function rereader(ledger: Ledger, readers: StatementReaders): Reread {
  return async (seq) => {
    const entry = ledger.entry(seq)
    const read = readers[kindOf(entry)]
    const record = read && (await readRecord({ seq, entry, open: () => ledger.open(seq) }, read))
    return record?.said ?? []
  }
}

/** Facets gathered from statements: of each name the latest in event time, as everywhere. */
export class Gathered {
  readonly #held = new Map<string, HeldFacet & { digest: string }>()

  add(facets: Facets, time: number, seq: number): void {
    for (const [name, body] of Object.entries(facets)) {
      const digest = digestOf(body)
      const known = this.#held.get(name)
      if (known && (time < known.time || (time === known.time && digest <= known.digest))) continue
      this.#held.set(name, { name, body, seq, time, digest })
    }
  }

  list(): HeldFacet[] {
    return [...this.#held.values()]
      .filter(({ body }) => (body as { _deleted?: unknown } | null)?._deleted !== true)
      .map(({ name, body, seq, time }) => ({ name, body, seq, time }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  facets(): Facets {
    return Object.fromEntries(this.list().map(({ name, body }) => [name, body]))
  }
}

export interface SaidOfRun {
  readonly producer: string
  readonly parent: string | undefined
  readonly root: string | undefined
  readonly facets: readonly HeldFacet[]
  /** By id of the dataset: what the run said of it, and of its reading or writing. */
  readonly inputs: ReadonlyMap<string, { facets: Gathered; here: Gathered }>
  readonly outputs: ReadonlyMap<string, { facets: Gathered; here: Gathered }>
}

/** Records read back for one run: a stream's run may have said the same a hundred thousand times. */
const FIRST = 100
const LAST = 900

export async function saidOfRun(reread: Reread, id: string, seqs: readonly number[]): Promise<SaidOfRun> {
  const facets = new Gathered()
  const inputs = new Map<string, { facets: Gathered; here: Gathered }>()
  const outputs = new Map<string, { facets: Gathered; here: Gathered }>()
  const gather = (into: typeof inputs, uses: readonly Use[], time: number, seq: number): void => {
    for (const use of uses) {
      const dataset = nodeId(use.name)
      let gathered = into.get(dataset)
      if (!gathered) into.set(dataset, (gathered = { facets: new Gathered(), here: new Gathered() }))
      gathered.facets.add(use.facets, time, seq)
      gathered.here.add(use.here, time, seq)
    }
  }
  let latest: Statement | undefined
  let kin: { time: number; parent: string | undefined; root: string | undefined } | undefined
  const read = seqs.length <= FIRST + LAST ? seqs : [...seqs.slice(0, FIRST), ...seqs.slice(-LAST)]
  for (const seq of read) {
    for (const { statement, inputs: used } of await reread(seq)) {
      const { run, time } = statement
      if (run?.id !== id) continue
      if (!latest || time > latest.time || (time === latest.time && statement.producer > latest.producer))
        latest = statement
      if ((run.parent ?? run.root) !== undefined && (!kin || time >= kin.time))
        kin = { time, parent: run.parent, root: run.root }
      facets.add(run.facets, time, seq)
      gather(inputs, used, time, seq)
      gather(outputs, statement.outputs, time, seq)
    }
  }
  return {
    producer: latest?.producer ?? '',
    parent: kin?.parent,
    root: kin?.root,
    facets: facets.list(),
    inputs,
    outputs,
  }
}

/** The body of a facet that a record brought. */
export async function facetBody(reread: Reread, id: string, name: string, seq: number, time: number): Promise<unknown> {
  const facets = (await reread(seq)).flatMap((said) =>
    said.statement.time === time ? said.facets.filter((facet) => facet.name === name && nodeId(facet.of) === id) : [],
  )
  return facets.toSorted((a, b) => (a.digest < b.digest ? 1 : -1))[0]?.body
}
