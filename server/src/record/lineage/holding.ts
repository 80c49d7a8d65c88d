// Which edges hold, and since when: maxima over event time, held against each other after every record. It knows what
// was loaded of the graph and nothing of tables.
import type { Micros } from '../time.ts'
import { isDropped, isLater, isSame, latest, outlasts } from './held-state.ts'
import type { DatasetState, Edge, HeldLinks, HeldUse, JobState, Stamp } from './held-state.ts'

export class Holding {
  readonly jobs = new Map<number, JobState>()
  readonly datasets = new Map<number, DatasetState>()
  readonly opened: { id: number; edge: Edge; appeared: number; withdrawn?: number }[] = []
  readonly withdrawn = new Map<number, number>()
  readonly changed = {
    uses: new Set<HeldUse>(),
    datasets: new Set<DatasetState>(),
    links: new Set<HeldLinks>(),
    /** Said again, later. */
    restated: new Set<HeldLinks>(),
  }
  #nextEdge: number
  readonly #firstEdge: number
  #seq = 0
  readonly #dirty = new Set<number>()
  readonly #dirtyLinks = new Set<DatasetState>()

  constructor(nextEdge: number) {
    this.#nextEdge = nextEdge
    this.#firstEdge = nextEdge
  }

  job(id: number): JobState {
    let job = this.jobs.get(id)
    if (!job) {
      job = {
        id,
        reads: new Map(),
        writes: new Map(),
        wrote: undefined,
        last: new Set(),
        read: undefined,
        oldest: undefined,
        since: undefined,
        dirty: { reads: new Set(), writes: new Set() },
      }
      this.jobs.set(id, job)
    }
    return job
  }

  dataset(id: number): DatasetState {
    let dataset = this.datasets.get(id)
    if (!dataset) {
      dataset = {
        id,
        written: undefined,
        dropped: undefined,
        made: undefined,
        remade: false,
        writers: new Set(),
        readers: new Set(),
        renames: new Map(),
        links: new Map(),
        fields: undefined,
      }
      this.datasets.set(id, dataset)
    }
    return dataset
  }

  /** A use as the tables have it. When all are there, `loaded` works out what follows from them. */
  load(use: HeldUse): void {
    const job = this.job(use.job)
    const dataset = this.dataset(use.dataset)
    if (use.writes) {
      job.writes.set(use.dataset, use)
      dataset.writers.add(use.job)
      if (isLater(use.stamp, job.wrote)) {
        job.wrote = use.stamp
        job.last.clear()
      }
      if (isSame(use.stamp, job.wrote)) job.last.add(use.dataset)
      if (use.edge !== undefined) {
        use.counted = use.stamp
        if (job.oldest === undefined || isLater(job.oldest, use.stamp)) job.oldest = use.stamp
      }
    } else {
      job.reads.set(use.dataset, use)
      dataset.readers.add(use.job)
      job.read = latest(use.stamp, job.read)
    }
  }

  loaded(): void {
    for (const job of this.jobs.values()) job.since = job.oldest ?? job.read
  }

  /** Before the statements of a record: what they open and withdraw, they do at its position. */
  begin(seq: number): void {
    this.#seq = seq
  }

  use(jobId: number, datasetId: number, writes: boolean, stamp: Stamp): void {
    const job = this.job(jobId)
    const dataset = this.dataset(datasetId)
    const uses = writes ? job.writes : job.reads
    let use = uses.get(datasetId)
    if (use && !isLater(stamp, use.stamp)) return
    if (use) use.stamp = stamp
    else {
      use = { job: jobId, dataset: datasetId, writes, stamp, edge: undefined }
      uses.set(datasetId, use)
      // Column edges hold with the writing, from when there is one.
      if (writes) this.#dirtyLinks.add(dataset)
    }
    this.changed.uses.add(use)
    this.#dirty.add(jobId)
    if (!writes) {
      dataset.readers.add(jobId)
      job.dirty.reads.add(datasetId)
      job.read = latest(stamp, job.read)
      return
    }
    dataset.writers.add(jobId)
    job.dirty.writes.add(datasetId)
    if (isLater(stamp, job.wrote)) {
      job.wrote = stamp
      for (const other of job.last) job.dirty.writes.add(other)
      job.last = new Set()
    }
    if (isSame(stamp, job.wrote)) job.last.add(datasetId)
    else job.last.delete(datasetId)
    if (isLater(stamp, dataset.written)) {
      const before = dataset.written
      const gone = isDropped(dataset)
      dataset.written = stamp
      this.changed.datasets.add(dataset)
      for (const writer of dataset.writers) {
        if (writer !== jobId && before && isSame(this.job(writer).writes.get(datasetId)!.stamp, before))
          this.#touch(writer, datasetId, true)
      }
      if (gone !== isDropped(dataset)) this.#touchAll(dataset)
    }
  }

  /** A dataset was dropped, or made anew: what is later counts; of one moment, the making. `both`: by one run. */
  lifecycle(datasetId: number, change: 'dropped' | 'made', stamp: Stamp, both: boolean): void {
    const dataset = this.dataset(datasetId)
    const moves = isLater(stamp, dataset[change])
    if (moves) dataset[change] = stamp
    const remade = moves && change === 'dropped' ? both : dataset.remade || (both && isSame(stamp, dataset.dropped))
    if (!moves && remade === dataset.remade) return
    dataset.remade = remade
    this.changed.datasets.add(dataset)
    if (!dataset.dropped) return
    this.#touchAll(dataset)
    this.#touchJob(datasetId)
  }

  /** A job that is dropped reads and writes nothing from then on: its state is kept as that of a dataset is. */
  #touchJob(id: number): void {
    const job = this.jobs.get(id)
    for (const dataset of job?.writes.keys() ?? []) this.#touch(id, dataset, true)
    for (const dataset of job?.reads.keys() ?? []) this.#touch(id, dataset, false)
    for (const dataset of this.datasets.values())
      if (dataset.links.has(linksKey(id, false)) || dataset.links.has(linksKey(id, true))) this.#dirtyLinks.add(dataset)
  }

  /** Whether what a job said then still counts, as far as the job itself goes. */
  #lasts(job: number, stamp: Stamp): boolean {
    const state = this.datasets.get(job)
    return state === undefined || outlasts(stamp, state)
  }

  rename(previous: number, datasetId: number): void {
    const dataset = this.dataset(datasetId)
    if (dataset.renames.has(previous)) return
    dataset.renames.set(previous, undefined)
    this.#dirtyLinks.add(dataset)
  }

  /** Column edges as the tables have them. */
  loadLinks(links: HeldLinks): void {
    this.dataset(links.dataset).links.set(linksKey(links.job, links.derived), links)
  }

  linksOf(job: number, datasetId: number, derived: boolean): HeldLinks | undefined {
    return this.datasets.get(datasetId)?.links.get(linksKey(job, derived))
  }

  link(job: number, datasetId: number, derived: boolean, time: Micros, digest: string, edges: () => Edge[]): void {
    const dataset = this.dataset(datasetId)
    const known = dataset.links.get(linksKey(job, derived))
    if (known && (time < known.time || (time === known.time && digest <= known.digest))) return
    if (known?.digest === digest) {
      known.time = time
      this.changed.restated.add(known)
      if (this.datasets.get(job)?.dropped) this.#dirtyLinks.add(dataset)
      return
    }
    const links: HeldLinks = {
      job,
      dataset: datasetId,
      derived,
      time,
      digest,
      links: distinct(edges()),
      edges: undefined,
    }
    if (known?.edges) {
      const before = new Map(known.links.map((edge, i) => [edgeKey(edge), known.edges![i]!]))
      // What stays the same goes on; the rest is opened when it is settled that it holds.
      const after = new Set(links.links.map(edgeKey))
      for (const [key, id] of before) if (!after.has(key)) this.#withdraw(id)
      links.edges = links.links.map((edge) => before.get(edgeKey(edge)) ?? 0)
    }
    if (known) {
      this.changed.links.delete(known)
      this.changed.restated.delete(known)
    }
    dataset.links.set(linksKey(job, derived), links)
    this.changed.links.add(links)
    this.#dirtyLinks.add(dataset)
  }

  /** The fields of the latest schema. */
  schema(datasetId: number, fields: readonly number[]): void {
    const dataset = this.dataset(datasetId)
    const before = dataset.fields ?? new Map<number, number>()
    const after = new Map<number, number>()
    for (const field of fields) {
      if (after.has(field)) continue
      after.set(field, before.get(field) ?? this.#open({ source: datasetId, target: field, how: 'field' }))
    }
    for (const [field, edge] of before) if (!after.has(field)) this.#withdraw(edge)
    dataset.fields = after
  }

  /** An edge that holds for ever. The caller knows that it is new. */
  always(edge: Edge): void {
    this.#open(edge)
  }

  /** After each record: opens and withdraws what follows from it. */
  settle(): void {
    // In the order of ids, so that a rebuild gives every edge the same one.
    for (const id of inOrder(this.#dirty)) this.#settleJob(this.job(id))
    this.#dirty.clear()
    for (const dataset of [...this.#dirtyLinks].sort((a, b) => a.id - b.id)) this.#settleLinks(dataset)
    this.#dirtyLinks.clear()
  }

  #settleJob(job: JobState): void {
    let rescan = false
    for (const id of inOrder(job.dirty.writes)) {
      const use = job.writes.get(id)!
      const dataset = this.dataset(id)
      const holds =
        !isDropped(dataset) &&
        outlasts(use.stamp, dataset) &&
        this.#lasts(job.id, use.stamp) &&
        (isSame(use.stamp, job.wrote) || isSame(use.stamp, dataset.written))
      if (holds !== (use.edge !== undefined)) this.#dirtyLinks.add(dataset)
      this.#hold(use, holds, { source: job.id, target: id, how: 'write' })
      const counts = holds ? use.stamp : undefined
      if (use.counted && job.oldest && isSame(use.counted, job.oldest) && !(counts && isSame(counts, use.counted)))
        rescan = true
      use.counted = counts
      if (counts && (job.oldest === undefined || isLater(job.oldest, counts))) job.oldest = counts
    }
    job.dirty.writes.clear()
    if (rescan) {
      job.oldest = undefined
      for (const { counted } of job.writes.values())
        if (counted && (job.oldest === undefined || isLater(job.oldest, counted))) job.oldest = counted
    }
    const since = job.oldest ?? job.read
    if (since && !isSame(since, job.since)) {
      job.since = since
      for (const id of job.reads.keys()) job.dirty.reads.add(id)
    }
    for (const id of inOrder(job.dirty.reads)) {
      const use = job.reads.get(id)!
      const holds = !isDropped(this.dataset(id)) && !isLater(job.since!, use.stamp) && this.#lasts(job.id, use.stamp)
      this.#hold(use, holds, { source: id, target: job.id, how: 'read' })
    }
    job.dirty.reads.clear()
  }

  #hold(use: HeldUse, holds: boolean, edge: Edge): void {
    if (holds === (use.edge !== undefined)) return
    if (holds) use.edge = this.#open(edge)
    else {
      this.#withdraw(use.edge!)
      use.edge = undefined
    }
    this.changed.uses.add(use)
  }

  #settleLinks(dataset: DatasetState): void {
    const gone = isDropped(dataset)
    for (const [previous, edge] of [...dataset.renames].sort(([a], [b]) => a - b)) {
      if (gone && edge !== undefined) {
        this.#withdraw(edge)
        dataset.renames.set(previous, undefined)
      } else if (!gone && edge === undefined) {
        dataset.renames.set(previous, this.#open({ source: previous, target: dataset.id, how: 'rename' }))
      }
    }
    for (const links of [...dataset.links.values()].sort(
      (a, b) => a.job - b.job || Number(a.derived) - Number(b.derived),
    )) {
      const written = this.jobs.get(links.job)?.writes.get(dataset.id)
      const holds =
        !gone &&
        (written === undefined || written.edge !== undefined) &&
        this.#lasts(links.job, { time: links.time, run: '' }) &&
        // What the producer states is never mixed with what we read out of its SQL.
        !(links.derived && dataset.links.has(linksKey(links.job, false)))
      if (holds && (links.edges === undefined || links.edges.includes(0))) {
        links.edges = links.links.map((edge, i) => links.edges?.[i] || this.#open(edge))
        this.changed.links.add(links)
      } else if (!holds && links.edges !== undefined) {
        for (const id of links.edges) if (id !== 0) this.#withdraw(id)
        links.edges = undefined
        this.changed.links.add(links)
      }
    }
  }

  #touch(jobId: number, datasetId: number, writes: boolean): void {
    const { dirty } = this.job(jobId)
    ;(writes ? dirty.writes : dirty.reads).add(datasetId)
    this.#dirty.add(jobId)
  }

  #touchAll(dataset: DatasetState): void {
    for (const job of dataset.writers) this.#touch(job, dataset.id, true)
    for (const job of dataset.readers) this.#touch(job, dataset.id, false)
    this.#dirtyLinks.add(dataset)
  }

  #open(edge: Edge): number {
    const id = this.#nextEdge++
    this.opened.push({ id, edge, appeared: this.#seq })
    return id
  }

  #withdraw(id: number): void {
    if (id >= this.#firstEdge) this.opened[id - this.#firstEdge]!.withdrawn = this.#seq
    else this.withdrawn.set(id, this.#seq)
  }
}

function linksKey(job: number, derived: boolean): string {
  return `${job}${derived ? ' derived' : ''}`
}

function edgeKey({ source, target, how, basis, transformation, masking, job }: Edge): string {
  return JSON.stringify([source, target, how, basis ?? 0, transformation ?? 0, masking ?? 0, job ?? 0])
}

function distinct(edges: readonly Edge[]): Edge[] {
  return [...new Map(edges.map((edge) => [edgeKey(edge), edge])).values()]
}

function inOrder(ids: Iterable<number>): number[] {
  return [...ids].sort((a, b) => a - b)
}
