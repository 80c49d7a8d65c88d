// Erasure: the keys of a person are destroyed, what was derived about them is deleted, and a record says what is gone,
// what was rewritten, and what remains. It is resumed after a crash from a note beside the keys.
import type { Erasure, ErasureRequest } from '@whence/sdk'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Live } from '../../record/projection/live.ts'
import type { Clock } from '../../record/time.ts'
import type { DerivedFiles, RewrittenFile } from '../../path/features/derived-files.ts'
import type { NotedFiles, Snapshots } from '../../path/features/snapshots.ts'
import type { OutcomeOwners } from '../../path/outcomes/owners.ts'
import type { PredictionBatches } from '../../path/predictions/batches/batches.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import type { Database } from '../../store/database.ts'
import type { Files } from '../../store/files.ts'
import { keyFingerprint } from '../../store/keys.ts'
import type { KeyStore } from '../../store/keys.ts'

type Report = Omit<Erasure, 'seq' | 'receipt'>

/** What must be known to go on after a crash. Readable by the server's user only, and removed at the end. */
interface Note {
  id: string
  slots: { index: number; id: string; fingerprint: string }[]
  basis: string
  actor: string
  source: string
  /** How many records, and rows of tables, it concerns, once that is known. */
  records?: number
  rows?: number
  objections?: number
  consents?: number
  spans?: number
  actions?: number
  outcomes?: number
  /** The column files that were written again, by subject and stream. */
  columns?: Record<string, readonly RewrittenFile[]>
}

const REMAINS: Report['remains'] = [
  {
    what: 'sealed payloads, as ciphertext without a key, and entries without anything that links them to each other',
    why: 'the log is append-only: position, order and inclusion stay provable',
  },
  {
    what: 'a keyed digest of the identifier',
    why: 'so that nothing is recorded about this person again, and a repeat is recognised',
  },
  {
    what: 'model versions trained on data that held this person',
    why: 'a model is not a copy of its rows; train again if that is required',
  },
  {
    what: 'copies outside this data folder: backups, exports, systems that were sent the data',
    why: 'Whence does not reach them; an older backup of the keys would open the payloads until it is destroyed',
  },
]

export const erasureProjection: Projection = {
  tables: ['erasure'],
  kinds: ['erasure'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      await tx.query('insert into erasure (seq, body) values ($1, $2::text::jsonb)', [
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

export class Erasures {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #files: Files
  readonly #keys: KeyStore
  readonly #snapshots: Snapshots
  readonly #batches: PredictionBatches
  readonly #derived: DerivedFiles
  readonly #live: Live
  readonly #outcomes: Pick<OutcomeOwners, 'addresses'>
  readonly #clock: Clock
  readonly #note: string
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    files: Files
    keys: KeyStore
    snapshots: Snapshots
    batches: PredictionBatches
    derived: DerivedFiles
    live: Live
    outcomes: Pick<OutcomeOwners, 'addresses'>
    clock: Clock
    keyFolder: string
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#files = parts.files
    this.#keys = parts.keys
    this.#snapshots = parts.snapshots
    this.#batches = parts.batches
    this.#derived = parts.derived
    this.#live = parts.live
    this.#outcomes = parts.outcomes
    this.#clock = parts.clock
    this.#note = `${parts.keyFolder}/erasing`
  }

  /** Erases a person. Throws `not_found` when the identifier was never seen, or was erased before. One runs at a time. */
  erase(request: ErasureRequest, by: { id: string; source: string }): Promise<Erasure> {
    return this.#inTurn(async () => {
      const type = request.subjectType ?? 'customer'
      const own = this.#ledger.subjects.slots(type, request.identifier)
      // What was told of their addresses and messages before anybody knew whose they are goes with them.
      const addresses = new Set(await this.#outcomes.addresses(own.map(({ id }) => id)))
      const slots = [
        ...own,
        ...[...this.#keys.slots()].filter(({ id, state }) => state === 'live' && addresses.has(id)),
      ]
      if (slots.length === 0) {
        const before = this.#ledger.subjects.find(type, request.identifier) === 'erased'
        throw new Fault(
          'not_found',
          before
            ? 'this person was erased before: nothing is left to erase'
            : `no ${type} with this identifier was ever recorded: check the identifier and its type`,
        )
      }
      const note: Note = {
        id: randomBytes(8).toString('hex'),
        slots: slots.map((slot) => ({
          index: slot.index,
          id: slot.id,
          fingerprint: keyFingerprint(this.#keys.unwrap(slot)),
        })),
        basis: request.basis,
        actor: by.id,
        source: by.source,
      }
      await this.#keep(note)
      return this.#carryOut(note)
    })
  }

  /** Runs something between erasures: none is under way, and the next one waits for it. */
  between<T>(run: () => Promise<T>): Promise<T> {
    return this.#inTurn(run)
  }

  /** Finishes an erasure that a crash interrupted. */
  async resume(): Promise<Erasure | undefined> {
    const stored = this.#files.read(this.#note)
    if (!stored) return undefined
    const note = JSON.parse(Buffer.from(stored).toString('utf8')) as Note
    return this.#inTurn(() => this.#carryOut(note))
  }

  /**
   * Carries out again what was erased before, where a backup that is older than an erasure was put back: keys that the
   * key store has noted as erased; and those whose fingerprint the log has, with `compare` or when the log knows of more
   * erased keys than the key store. Gives the number of keys.
   */
  async reapply(compare: boolean): Promise<number> {
    // One that was cut off has been finished by `resume`.
    const revived = this.#keys.revived.filter((id) => this.#keys.findById(id) !== undefined)
    const slots = revived.map((id) => ({ index: -1, id, fingerprint: '' }))
    await this.#follower.reach('erasure')
    const rows = await this.#database.query<{ body: { keys: string[] } }>('select body from erasure order by seq')
    const gone = new Set(rows.flatMap(({ body }) => body.keys))
    const all = [...this.#keys.slots()]
    const destroyed = all.filter((slot) => slot.state === 'destroyed' && slot.day === 0).length
    if (compare || gone.size > destroyed + slots.length) {
      for (const slot of all) {
        if (slot.state !== 'live') continue
        const fingerprint = keyFingerprint(this.#keys.unwrap(slot))
        if (gone.has(fingerprint) && !slots.some(({ id }) => id === slot.id))
          slots.push({ index: slot.index, id: slot.id, fingerprint })
      }
    }
    if (slots.length === 0) return 0
    const note = {
      id: randomBytes(8).toString('hex'),
      slots,
      basis: 'erased before; carried out again after a restore',
      actor: 'whence',
      source: 'whence',
    }
    await this.#keep(note)
    await this.#inTurn(() => this.#carryOut(note))
    return slots.length
  }

  /** Every step may be done again: a crash between two of them is made good by `resume`. */
  async #carryOut(note: Note): Promise<Erasure> {
    const ids = note.slots.map((slot) => slot.id)
    // What is followed from then on leaves no row, and could not be counted among those that are deleted.
    await this.#follower.reach()
    this.#ledger.subjects.beginErasing(ids)
    // What was accepted before is in the log from here on, and no journal file holds the keys any more.
    await this.#ledger.settled()
    await this.#ledger.settle()
    await this.#follower.reach()
    // An attempt that was cut off has noted files that no record tells of: this one finds them itself.
    await this.#derived.noteErasures()
    const seqs = ids.flatMap((id) => this.#ledger.recordsLinkedTo(id))
    if (note.records === undefined) {
      note.records = seqs.length
      note.rows = await this.#predictionsOf(ids)
      note.objections = await this.#rowsOf('objection', ids)
      note.consents = await this.#rowsOf('consent_said', ids)
      note.spans = await this.#rowsOf('span', ids)
      note.actions = await this.#rowsOf('action', ids)
      note.outcomes = await this.#rowsOf('outcome', ids)
      await this.#keep(note)
    }
    await this.#ledger.unlink(seqs)
    const live = [...this.#keys.slots()].filter((slot) => slot.state === 'live' && ids.includes(slot.id))
    if (live.length > 0) await this.#keys.destroy(live)
    this.#ledger.subjects.forget(ids)
    this.#live.forget(ids)

    for (const id of ids)
      await this.#database.query(
        'update prediction set subject = null, campaign = null, creative = null, at = null, tier = null where subject = $1',
        [id],
      )
    await this.#database.query(
      "update action set subject = null, campaign = null, creative = null, message = null, state = 'erased', at = recorded_at where subject = any($1::text[])",
      [ids],
    )
    await this.#database.query('delete from outbox where subject = any($1::text[])', [ids])
    await this.#database.query('delete from objection where subject = any($1::text[])', [ids])
    await this.#database.query('delete from consent_said where subject = any($1::text[])', [ids])
    for (const table of ['outcome', 'outcome_message', 'outcome_address', 'undeliverable'])
      await this.#database.query(`delete from ${table} where subject = any($1::text[])`, [ids])
    await this.#database.query('delete from outcome where sealed = any($1::text[])', [ids])
    await this.#database.query('delete from span where subject = any($1::text[])', [ids])
    const filesRewritten: RewrittenFile[] = []
    // A person may have several keys, and a file rows of each: what one has left is what the next begins with.
    for (const id of ids) {
      const files = await this.#snapshots.removeSubject(id, this.#notedFiles(note, id))
      this.#derived.noteRewritten(files)
      filesRewritten.push(...files)
    }
    let batchRows = 0
    for (const id of ids) {
      const batches = await this.#batches.removeSubject(id)
      this.#derived.noteRewritten(batches)
      batchRows += batches.reduce((sum, { removed }) => sum + removed, 0)
      filesRewritten.push(...batches)
    }

    const report: Report = {
      basis: note.basis,
      keysDestroyed: note.slots.length,
      recordsUnreadable: note.records,
      rowsDeleted: {
        prediction: note.rows ?? 0,
        ...(batchRows > 0 ? { 'prediction in a batch': batchRows } : {}),
        ...(note.objections ? { objection: note.objections } : {}),
        ...(note.consents ? { consent: note.consents } : {}),
        ...(note.spans ? { span: note.spans } : {}),
        ...(note.actions ? { action: note.actions } : {}),
        ...(note.outcomes ? { outcome: note.outcomes } : {}),
      },
      filesRewritten,
      remains: REMAINS,
    }
    const { report: recorded, receipt } = await this.#record(note, report)
    await this.#files.remove(this.#note)
    await this.#follower.reach('erasure')
    await this.#derived.noteErasures()
    return { ...recorded, seq: receipt.seq, receipt }
  }

  async #predictionsOf(ids: readonly string[]): Promise<number> {
    const rows = await this.#database.query<{ n: bigint }>(
      'select count(*) as n from prediction where subject = any($1::text[])',
      [ids],
    )
    return Number(rows[0]!.n)
  }

  async #rowsOf(
    table: 'objection' | 'consent_said' | 'span' | 'action' | 'outcome',
    ids: readonly string[],
  ): Promise<number> {
    const rows = await this.#database.query<{ n: bigint }>(
      `select count(*) as n from ${table} where subject = any($1::text[])`,
      [ids],
    )
    return Number(rows[0]!.n)
  }

  /** Durable when it resolves. */
  async #keep(note: Note): Promise<void> {
    await this.#files.replace(this.#note, Buffer.from(JSON.stringify(note)), { mode: 0o600 })
    await this.#files.syncFolder(dirname(this.#note))
  }

  #notedFiles(note: Note, id: string): NotedFiles {
    const key = (stream: string): string => `${id} ${stream}`
    return {
      of: (stream) => note.columns?.[key(stream)] ?? [],
      keep: (stream, files) => {
        note.columns = { ...note.columns, [key(stream)]: files }
        return this.#keep(note)
      },
    }
  }

  /** Records the report; the one that is on record when an erasure was cut off after that. */
  async #record(note: Note, report: Report): Promise<{ report: Report; receipt: Erasure['receipt'] }> {
    const draft = {
      kind: 'erasure/1',
      stream: 'whence.erasures',
      source: note.source,
      id: note.id,
      time: this.#clock.now(),
      content: Buffer.from(
        JSON.stringify({
          ...report,
          keys: note.slots.flatMap(({ fingerprint }) => (fingerprint ? [fingerprint] : [])),
        }),
      ),
    }
    const earlier = this.#ledger.find(identityOf(this.#ledger.subjects.idKey, placeBytes(draft)))
    if (earlier === undefined) {
      const { seq, leaf, recorded, status } = await this.#ledger.appendOne(draft, note.actor)
      return { report, receipt: { seq, leaf, recorded, status } }
    }
    const opened = this.#ledger.open(earlier)
    if (opened.state !== 'open') throw new Fault('altered', `record ${earlier} is no erasure`)
    const { keys: _, ...before } = JSON.parse(Buffer.from(opened.content).toString('utf8')) as Report & {
      keys: string[]
    }
    return { report: before, receipt: { ...this.#ledger.receiptOf(earlier), status: 'duplicate' } }
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run)
    this.#last = turn.catch(() => {})
    return turn
  }
}
