// The projection of lineage: loads what a batch touches, goes through it record by record in memory, writes once. The
// position of every change is that of its own record, so that batches of any size give the same tables.
import type { Transaction } from '../../store/database.ts'
import { kindOf } from '../ledger/entry.ts'
import type { Projection } from '../projection/follower.ts'
import { FacetHeads } from './facets-held.ts'
import { loadAlways, loadFields, loadHolding, writeHolding } from './held-tables.ts'
import type { Edge, Stamp } from './held-state.ts'
import type { Holding } from './holding.ts'
import { Naming } from './naming.ts'
import { readRecord } from './reading.ts'
import type { ReadRecord, Said, StatementReaders } from './reading.ts'
import { hasRemade, Runs } from './runs-held.ts'
import { schemaFields } from './schema-fields.ts'
import type { Name } from './statement.ts'
import { nodeId } from './statement.ts'

export type { StatementReader, StatementReaders } from './reading.ts'

/** What a batch says, and the positions of records that do not read. */
interface Read {
  readonly said: readonly ReadRecord[]
  readonly unread: readonly number[]
}

/** Records read in one turn of the event loop. */
const TURN = 64

export function lineageProjection(readers: StatementReaders): Projection<Read> {
  return {
    tables: [
      'lineage_node',
      'lineage_edge',
      'lineage_use',
      'lineage_dataset',
      'lineage_links',
      'lineage_facet',
      'lineage_facet_change',
      'lineage_run',
      'lineage_event',
      'lineage_io',
      'lineage_version',
      'lineage_change',
      'lineage_unread',
    ],
    kinds: Object.keys(readers),
    async read(records) {
      const said: ReadRecord[] = []
      const unread: number[] = []
      for (const [i, record] of records.entries()) {
        if (i % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
        const one = await readRecord(record, readers[kindOf(record.entry)]!)
        if (one) said.push(one)
        else unread.push(record.seq)
      }
      return { said, unread }
    },
    async apply(tx, _, { said, unread }) {
      for (const seq of unread)
        await tx.query('insert into lineage_unread (seq) values ($1) on conflict do nothing', [seq])
      if (said.length === 0) return
      const batch = await Batch.load(tx, said)
      for (const [i, record] of said.entries()) {
        if (i % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
        batch.apply(record)
      }
      await batch.write(tx)
    },
  }
}

class Batch {
  readonly #naming: Naming
  readonly #runs: Runs
  readonly #facets: FacetHeads
  readonly #holding: Holding
  readonly #always: Set<string>
  readonly #changes: unknown[][] = []

  static async load(tx: Transaction, records: readonly ReadRecord[]): Promise<Batch> {
    const said = records.flatMap((record) => record.said)
    const [next] = await tx.query<{ node: number; version: number }>(
      `select (select coalesce(max(id), 0)::int4 + 1 from lineage_node) as node,
              (select coalesce(max(id), 0)::int4 + 1 from lineage_version) as version`,
    )
    const naming = new Naming(next!.node)
    await naming.load(
      tx,
      said.flatMap(namesOf).map((name) => [name]),
    )
    const knownAmong = (names: readonly Name[]): number[] => [
      ...new Set(names.flatMap((name) => naming.known(name) ?? [])),
    ]

    const runs = new Runs(next!.version)
    await runs.load(tx, new Set(said.flatMap(({ statement: { run } }) => (run ? [run.id] : []))))
    await runs.loadDescribed(
      tx,
      knownAmong(
        said.flatMap(({ statement: { described } }) =>
          described.filter(({ version }) => version !== undefined).map(({ name }) => name),
        ),
      ),
    )

    const jobs = new Set(knownAmong(said.flatMap(({ statement: { job } }) => (job ? [job.name] : []))))
    const read = new Set(knownAmong(said.flatMap(({ inputs }) => inputs.map(({ name }) => name))))
    const datasets = new Set(knownAmong(said.flatMap(changedIn)))
    const dropped = new Set(
      knownAmong(
        said.flatMap(({ statement: { changes } }) =>
          changes.filter(({ change }) => change === 'drop').map(({ name }) => name),
        ),
      ),
    )
    for (const run of runs.all()) {
      for (const { job, dataset, writes } of run.io.values()) {
        jobs.add(job)
        ;(writes ? datasets : read).add(dataset)
      }
      for (const { dataset, change } of run.changes) {
        datasets.add(dataset)
        if (change === 'dropped') dropped.add(dataset)
      }
    }
    const holding = await loadHolding(tx, { jobs, read, datasets, dropped })
    const facets = new FacetHeads()
    await facets.load(tx, knownAmong(said.flatMap((one) => one.facets.map(({ of }) => of))))
    const always = await loadAlways(
      tx,
      knownAmong(
        said.flatMap(({ statement: { aliases, jobs: related } }) => [
          ...aliases.flat(),
          ...related.map(({ from }) => from),
        ]),
      ),
    )

    // Fields are looked up where a record of the batch says something else than what is known. Another record of it may
    // say again what was known before: then its fields are needed too.
    const fields: [Name, string][] = []
    const schemas = new Set<number>()
    const moved = new Set<string>()
    const schemasSaid = said.flatMap((one) => one.facets.filter(({ name }) => name === 'schema'))
    for (const { of, name, digest } of schemasSaid) {
      const node = naming.known(of)
      if (node !== undefined && facets.digest(node, name) === digest) continue
      moved.add(nodeId(of))
      if (node !== undefined) schemas.add(node)
    }
    for (const { of, body } of moved.size > 0 ? schemasSaid : []) {
      if (moved.has(nodeId(of))) for (const field of schemaFields(of, body)) fields.push([of, field])
    }
    const linksSaid = said.flatMap(({ statement: { job }, links }) =>
      links.map((group) => ({ ...group, job: job?.name })),
    )
    const linksKey = ({ job, to, derived }: (typeof linksSaid)[number]): string =>
      JSON.stringify([job && nodeId(job), nodeId(to), derived])
    const linksMoved = new Set<string>()
    for (const group of linksSaid) {
      const node = naming.known(group.to)
      const job = group.job ? naming.known(group.job) : 0
      const known = node !== undefined && job !== undefined ? holding.linksOf(job, node, group.derived) : undefined
      if (known?.digest !== group.digest) linksMoved.add(linksKey(group))
    }
    for (const group of linksSaid) {
      if (!linksMoved.has(linksKey(group))) continue
      for (const end of group.links.flatMap((link) => [link.from, link.to]))
        if (end.field !== undefined) fields.push([end.name, end.field])
    }
    await naming.load(tx, fields)
    await loadFields(tx, holding, [...schemas])
    return new Batch(naming, runs, facets, holding, always)
  }

  private constructor(naming: Naming, runs: Runs, facets: FacetHeads, holding: Holding, always: Set<string>) {
    this.#naming = naming
    this.#runs = runs
    this.#facets = facets
    this.#holding = holding
    this.#always = always
  }

  apply({ seq, said }: ReadRecord): void {
    this.#holding.begin(seq)
    for (const [n, one] of said.entries()) this.#say(seq, n, one)
    this.#holding.settle()
    this.#runs.settle(seq)
  }

  async write(tx: Transaction): Promise<void> {
    await this.#naming.write(tx)
    await this.#facets.write(tx)
    await this.#runs.write(tx)
    await writeHolding(tx, this.#holding)
    if (this.#changes.length === 0) return
    await tx.copy(
      'lineage_change',
      [
        { name: 'dataset', type: 'int4' },
        { name: 'change', type: 'text' },
        { name: 'previous', type: 'int4' },
        { name: 'time', type: 'int8' },
        { name: 'run', type: 'bytea' },
        { name: 'seq', type: 'int8' },
      ],
      this.#changes,
    )
  }

  #say(seq: number, n: number, said: Said): void {
    const { statement, inputs } = said
    const { time, outputs, described } = statement
    const job = statement.job && this.#node(statement.job.name, seq)
    for (const { name } of [...inputs, ...outputs, ...described]) this.#node(name, seq)

    const stamp = this.#stamp(seq, n, said, job)
    if (job !== undefined) {
      for (const [uses, writes] of [
        [inputs, false],
        [outputs, true],
      ] as const) {
        for (const { name, version } of uses) {
          const dataset = this.#node(name, seq)
          if (statement.run) this.#runs.io(this.#runs.get(statement.run.id), seq, job, dataset, writes, version ?? '')
          this.#holding.use(job, dataset, writes, stamp)
        }
      }
    }
    for (const { name, version } of described)
      if (version !== undefined) this.#runs.describe(this.#node(name, seq), version, time, seq)

    this.#change(seq, said, stamp)
    this.#relate(seq, said)
    this.#link(seq, said, job)
    for (const facet of said.facets) {
      const node = this.#node(facet.of, seq)
      if (!this.#facets.say(node, facet, time, seq) || facet.name !== 'schema') continue
      const fields = facet.taken ? [] : schemaFields(facet.of, facet.body)
      this.#holding.schema(
        node,
        fields.map((field) => this.#node(facet.of, seq, field)),
      )
    }
  }

  /** When what is said here was: of a run, the time of its latest event, which moves all that it said before. */
  #stamp(seq: number, n: number, { statement }: Said, job: number | undefined): Stamp {
    const { run, time } = statement
    if (!run) return { time, run: '' }
    const moved = this.#runs.event(run.id, seq, n, job, time, run.state)
    const held = this.#runs.get(run.id)
    const stamp = { time: held.time, run: run.id }
    if (moved) {
      for (const io of held.io.values()) this.#holding.use(io.job, io.dataset, io.writes, stamp)
      for (const { dataset, change } of held.changes)
        this.#holding.lifecycle(dataset, change, stamp, hasRemade(held, dataset))
    }
    return stamp
  }

  #change(seq: number, { statement }: Said, stamp: Stamp): void {
    for (const { name, change, previous } of statement.changes) {
      const dataset = this.#node(name, seq)
      const before = previous && this.#node(previous, seq)
      const held = statement.run && this.#runs.get(statement.run.id)
      this.#changes.push([
        dataset,
        change,
        before ?? null,
        statement.time,
        held ? Buffer.from(held.key, 'hex') : null,
        seq,
      ])
      if (change === 'rename' && before !== undefined && before !== dataset) this.#holding.rename(before, dataset)
      if (change !== 'drop' && change !== 'create' && change !== 'overwrite') continue
      const what = change === 'drop' ? 'dropped' : 'made'
      held?.changes.push({ dataset, change: what })
      this.#holding.lifecycle(dataset, what, stamp, held !== undefined && hasRemade(held, dataset))
    }
  }

  #relate(seq: number, { statement }: Said): void {
    for (const [one, other] of statement.aliases) {
      const [source, target] = [this.#node(one, seq), this.#node(other, seq)]
      // Two names of one thing: said either way round, it is one edge.
      if (source !== target && !this.#always.has(`${target} ${source} symlink`))
        this.#keep({ source, target, how: 'symlink' })
    }
    for (const { from, to, how } of statement.jobs) {
      const [source, target] = [this.#node(from, seq), this.#node(to, seq)]
      if (source !== target) this.#keep({ source, target, how })
    }
  }

  #keep(edge: Edge): void {
    const key = `${edge.source} ${edge.target} ${edge.how}`
    if (this.#always.has(key)) return
    this.#always.add(key)
    this.#holding.always(edge)
  }

  #link(seq: number, { statement, links: groups }: Said, job: number | undefined): void {
    for (const { to, beside, derived, digest, links } of groups) {
      for (const { from } of links) this.#node(from.name, seq)
      const dataset = this.#node(to, seq)
      this.#holding.link(job ?? 0, dataset, derived, statement.time, digest, () => {
        const edges = links.map(({ from, to: end, how, basis, transformation, masking }): Edge => ({
          source: this.#node(from.name, seq, from.field),
          target: this.#node(end.name, seq, end.field),
          how,
          basis,
          transformation,
          masking,
          job,
        }))
        // Where no job lies between the two they are joined directly, at the level of names.
        const direct = links.filter(({ from }) => beside || from.name.kind === 'job')
        const sources = new Set(direct.map(({ from }) => this.#node(from.name, seq)))
        sources.delete(dataset)
        return [...edges, ...[...sources].map((source): Edge => ({ source, target: dataset, how: 'flow' }))]
      })
    }
  }

  #node(name: Name, seq: number, field?: string): number {
    return this.#naming.of(name, seq, field)
  }
}

function namesOf({ statement, inputs, facets, links }: Said): Name[] {
  const { job, outputs, described, aliases, changes, jobs } = statement
  return [
    ...(job ? [job.name] : []),
    ...[...inputs, ...outputs, ...described].map(({ name }) => name),
    ...aliases.flat(),
    ...changes.flatMap(({ name, previous }) => (previous ? [name, previous] : [name])),
    ...jobs.flatMap(({ from, to }) => [from, to]),
    ...facets.map(({ of }) => of),
    ...links.flatMap((group) => [group.to, ...group.links.map(({ from }) => from.name)]),
  ]
}

/** The datasets of which a statement may change more than that a job reads them. */
function changedIn({ statement, links }: Said): Name[] {
  return [
    ...statement.outputs.map(({ name }) => name),
    ...statement.changes.map(({ name }) => name),
    ...links.map(({ to }) => to),
  ]
}
