// Which events each feature value of a snapshot was made from, as rows: the events whose removal would change what an
// aggregate is fed, selected again from the column files, and opened on the log one by one.
import type { FeatureRow, ProvenanceRow, ProvenanceTable, Snapshot } from '@whence/sdk'
import { hash } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { tableName } from '../../record/tables/table.ts'
import type { TableColumn, TableFile } from '../../record/tables/table.ts'
import type { Tables } from '../../record/tables/tables.ts'
import { formatTime } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { readEvent } from '../events/event.ts'
import type { CompiledView } from './compile.ts'
import type { DerivedFiles } from './derived-files.ts'
import { refuseAltered } from './derived-files.ts'
import { digestOf } from '../../store/files.ts'
import { outward } from './outward.ts'
import { tableFields, writeProvenance } from './provenance-rows.ts'
import { contributorsOfAll } from './recompute.ts'
import { rowOf } from './rows.ts'
import type { Snapshots } from './snapshots.ts'
import type { ViewBook } from './view-book.ts'

export interface ProvenanceParts {
  ledger: Ledger
  contracts: ContractBook
  views: ViewBook
  snapshots: Snapshots
  derived: DerivedFiles
  tables: Tables
}

/** Of whom: of everyone in the snapshot, when nothing is said. */
export interface Whom {
  subject?: string | undefined
  sample?: number | undefined
  seed?: number | undefined
}

/** People whose contributors are selected in one pass over the column files. */
const CHUNK = 1000
/** Rows that are handed on together, and rows of one file of a table. */
const BATCH = 2000
const FILE_ROWS = 200_000

export class Provenance {
  readonly #parts: ProvenanceParts

  constructor(parts: ProvenanceParts) {
    this.#parts = parts
  }

  /**
   * The rows in batches, ordered by entity, feature, event time and position. Throws `altered` when the snapshot's file or
   * an event is not as it was recorded; `not_found` for a person whom the snapshot does not have.
   */
  async *rows(id: number, whom: Whom = {}): AsyncGenerator<ProvenanceRow[]> {
    const { snapshots, derived } = this.#parts
    const snapshot = await snapshots.get(id)
    const compiled = await this.#compiled(snapshot)
    await derived.extend(compiled, snapshot.asOf)
    for await (const people of this.#people(snapshot, compiled, whom))
      for (let at = 0; at < people.length; at += CHUNK)
        yield* this.#traced(snapshot, compiled, people.slice(at, at + CHUNK))
  }

  /** Adds the rows of a snapshot to the table `audit.<view>_v<N>`. Its snapshot there has the same id as here. */
  async table(id: number, by: { id: string }): Promise<ProvenanceTable> {
    const snapshot = await this.#parts.snapshots.get(id)
    const name = tableName('audit', snapshot.view.replace('@', '_'))
    for (let tries = 1; ; tries++) {
      try {
        return await this.#parts.derived.inTurn(() => this.#commit(snapshot, name, by))
      } catch (error) {
        // Somebody in it was erased while it was written: without them it is written again.
        if (!isFault(error, 'conflict') || tries === 3) throw error
      }
    }
  }

  async #commit(snapshot: Snapshot, table: string, by: { id: string }): Promise<ProvenanceTable> {
    const { tables, derived } = this.#parts
    const columns = tableFields.map(({ name, type }): TableColumn => ({ name, type }))
    const fieldIds = await tables.fields(table, columns, by)
    const folder = `tmp/provenance-${snapshot.id}`
    await mkdir(join(derived.place.folder, folder), { recursive: true })
    try {
      const add: TableFile[] = []
      let pending: ProvenanceRow[] = []
      const write = async (): Promise<void> => {
        add.push(await this.#file(`${folder}/${add.length}.parquet`, pending, fieldIds))
        pending = []
      }
      for await (const batch of this.rows(snapshot.id)) {
        pending.push(...batch)
        if (pending.length >= FILE_ROWS) await write()
      }
      if (pending.length > 0 || add.length === 0) await write()
      const { seq, repeated = false } = await tables.commit(
        table,
        {
          operation: 'append',
          columns,
          add,
          summary: { run: `provenance/${snapshot.id}`, code: snapshot.fingerprint, seq: snapshot.asOf },
          snapshotId: snapshot.id,
        },
        by,
      )
      return { table, snapshot: snapshot.id, rows: add.reduce((sum, { rows }) => sum + rows, 0), seq, repeated }
    } finally {
      await rm(join(derived.place.folder, folder), { recursive: true, force: true })
    }
  }

  async #file(
    path: string,
    rows: readonly ProvenanceRow[],
    fieldIds: Readonly<Record<string, number>>,
  ): Promise<TableFile> {
    const { columns, folder } = this.#parts.derived.place
    const whole = join(folder, path)
    await columns.session((session) => writeProvenance(session, tableFields, [rows], whole, fieldIds))
    const file = await open(whole, 'r')
    try {
      await file.sync()
      const { size } = await file.stat()
      return { path, sha256: await digestOf(whole), bytes: size, rows: rows.length }
    } finally {
      await file.close()
    }
  }

  /** Pages of the snapshot's rows, of those people who are asked for. */
  async *#people(snapshot: Snapshot, compiled: CompiledView, whom: Whom): AsyncGenerator<FeatureRow[]> {
    const { snapshots, derived } = this.#parts
    const { subject, sample, seed = 1 } = whom
    if (subject !== undefined) {
      refuseAltered(await snapshots.flaw(snapshot))
      const columns = compiled.features.map(({ column }) => column)
      const row = await rowOf(derived.place, columns, snapshot.files[0]!.path, subject)
      if (!row) throw new Fault('not_found', `snapshot ${snapshot.id} has no row about subject ${subject}`)
      yield [{ subject, values: outward(columns, row.values) }]
      return
    }
    const drawn = sample === undefined ? undefined : await this.#drawn(snapshot.id, sample, seed)
    for await (const page of snapshots.rows(snapshot.id))
      yield drawn ? page.filter((row) => drawn.has(row.subject)) : page
  }

  /** The same seed draws the same people of a snapshot, and a larger sample holds the smaller one. */
  async #drawn(id: number, sample: number, seed: number): Promise<Set<string>> {
    let kept: { subject: string; lot: string }[] = []
    const keep = (): void => {
      kept.sort((a, b) => (a.lot < b.lot ? -1 : 1))
      kept = kept.slice(0, sample)
    }
    for await (const page of this.#parts.snapshots.rows(id)) {
      for (const { subject } of page) kept.push({ subject, lot: hash('sha256', `${seed}/${subject}`, 'hex') })
      if (kept.length > 2 * sample + 10_000) keep()
    }
    keep()
    return new Set(kept.map(({ subject }) => subject))
  }

  async *#traced(
    snapshot: Snapshot,
    compiled: CompiledView,
    people: readonly FeatureRow[],
  ): AsyncGenerator<ProvenanceRow[]> {
    const at = parseTime(snapshot.at)!
    const found = await contributorsOfAll(
      this.#parts.derived.place,
      compiled,
      people.map(({ subject }) => ({ subject, at, asOf: snapshot.asOf })),
    )
    let batch: ProvenanceRow[] = []
    for (const [index, { subject, values }] of people.entries()) {
      const opened = new Map<number, OpenedEvent>()
      for (const { name, source } of compiled.features) {
        const value = {
          feature_snapshot_id: snapshot.id,
          view: snapshot.view,
          entity: subject,
          feature: name,
          value: values[name] ?? null,
          stream: source,
        }
        const seqs = found[index]!.features[name]!
        if (seqs.length === 0) batch.push({ ...value, ...none })
        for (const seq of seqs) {
          const event = opened.get(seq) ?? this.#opened(seq, subject)
          opened.set(seq, event)
          batch.push({ ...value, ...event })
        }
      }
      if (batch.length >= BATCH) {
        yield batch
        batch = []
      }
    }
    if (batch.length > 0) yield batch
  }

  #opened(seq: number, subject: string): OpenedEvent {
    const event = readEvent(this.#parts.ledger, this.#parts.contracts, seq)
    // The person is being erased at this moment: position and nothing else is left.
    if (event === 'erased') return { ...none, event_seq: seq }
    if (event.subject !== subject)
      throw new Fault('altered', `record ${seq} is about another person than its column says`)
    return {
      campaign_event_id: event.id,
      event_seq: seq,
      event_time: formatTime(event.time),
      campaign: event.found.campaign ?? null,
      creative: event.found.creative ?? null,
    }
  }

  async #compiled(snapshot: Snapshot): Promise<CompiledView> {
    const version = await this.#parts.views.get(snapshot.view)
    return this.#parts.views.compiled(
      version,
      new Map(snapshot.inputs.map(({ stream, contract }) => [stream, contract])),
    )
  }
}

type OpenedEvent = Pick<ProvenanceRow, 'campaign_event_id' | 'event_seq' | 'event_time' | 'campaign' | 'creative'>

const none: OpenedEvent = {
  campaign_event_id: null,
  event_seq: null,
  event_time: null,
  campaign: null,
  creative: null,
}
