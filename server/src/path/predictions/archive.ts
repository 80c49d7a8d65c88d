// The archive: every prediction as a row of an Iceberg table, for engines of any make. It follows the log in its order, a
// batch at a time and what stands between two batches in chunks. docs/spec/predictions.md, "Archive".
//
// A commit has the position of the last prediction in it as its snapshot's id: so the table itself says how far it is,
// and an archive that was cut off goes on where it stopped, without a row twice.
import { randomBytes } from 'node:crypto'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { tableName } from '../../record/tables/table.ts'
import type { TableColumn, TableFile } from '../../record/tables/table.ts'
import type { Tables } from '../../record/tables/tables.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Columns, Session } from '../../store/columns.ts'
import { parquet, quote } from '../../store/columns.ts'
import type { Database } from '../../store/database.ts'
import { digestOf, settle } from '../../store/files.ts'
import type { Batch } from './batches/batch-book.ts'
import type { PredictionBatches } from './batches/batches.ts'
import { openSingle } from './recorded.ts'

export const ARCHIVE = tableName('predictions', 'archive')

const columns: readonly TableColumn[] = [
  // The keyed digest of the id, as the ledger shows it: ids are the producers' and may name a person.
  { name: 'prediction_id', type: 'VARCHAR' },
  { name: 'subject', type: 'BLOB' },
  { name: 'model', type: 'VARCHAR' },
  { name: 'feature_snapshot_id', type: 'BIGINT' },
  { name: 'score', type: 'DOUBLE' },
  { name: 'at', type: 'TIMESTAMP' },
  { name: 'campaign', type: 'VARCHAR' },
  { name: 'creative', type: 'VARCHAR' },
  { name: 'tier', type: 'VARCHAR' },
  { name: 'seq', type: 'BIGINT' },
  { name: 'row', type: 'BIGINT' },
]

/** Predictions with records of their own that are taken together, at most. */
const CHUNK = 100_000
const BY = { id: 'whence' }

interface ArchiveParts {
  ledger: Ledger
  follower: Follower
  database: Database
  engine: Columns
  batches: PredictionBatches
  tables: Tables
  /** The data folder. */
  folder: string
}

interface SingleRow {
  id: string
  subject: string
  model: string
  snapshot: bigint | null
  score: number
  at: number
  campaign: string | null
  creative: string | null
  tier: string
  seq: number
}

export class PredictionArchive {
  readonly #parts: ArchiveParts
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: ArchiveParts) {
    this.#parts = parts
  }

  /** Brings the table up to everything that is recorded now. One runs at a time. */
  run(): Promise<void> {
    const turn = this.#last.then(() => this.#run())
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Resolves when nothing is being archived. */
  async settled(): Promise<void> {
    await this.#last
  }

  /** Predictions with records of their own that wait. */
  async waiting(): Promise<number> {
    const [row] = await this.#parts.database.query<{ n: bigint }>(
      'select count(*) as n from prediction where seq > $1 and subject is not null',
      [await this.#reached()],
    )
    return Number(row!.n)
  }

  async #run(): Promise<void> {
    const { follower, database, batches } = this.#parts
    await follower.reach('prediction', 'predictions', 'erasure', 'table')
    for (;;) {
      const reached = await this.#reached()
      const [next] = await database.query<{ seq: bigint }>(
        'select seq from prediction_batch where seq > $1 order by seq limit 1',
        [reached],
      )
      const singles = await database.query<{ seq: bigint }>(
        `select seq from prediction where seq > $1 and ($2::int8 is null or seq < $2) order by seq limit ${CHUNK}`,
        [reached, next?.seq ?? null],
      )
      if (singles.length > 0) await this.#archiveSingles(singles.map(({ seq }) => Number(seq)))
      else if (next) await this.#archiveBatch(await batches.book.get(Number(next.seq)))
      else return
    }
  }

  /** The position of the last prediction in the table, or -1. */
  async #reached(): Promise<bigint> {
    const [row] = await this.#parts.database.query<{ id: bigint | null }>(
      "select max(id) as id from table_snapshot where table_name = $1 and operation = 'append'",
      [ARCHIVE],
    )
    return row?.id ?? -1n
  }

  async #archiveSingles(seqs: readonly number[]): Promise<void> {
    const { ledger } = this.#parts
    const rows: SingleRow[] = []
    for (const [i, seq] of seqs.entries()) {
      if (i % 256 === 255) await new Promise((resolve) => setImmediate(resolve))
      try {
        const opened = openSingle(ledger, seq)
        if (opened.state !== 'open') continue
        const { score, model, snapshot, about } = opened.prediction
        rows.push({
          id: ledger.entry(seq).id,
          subject: opened.subject,
          model,
          snapshot: snapshot === undefined ? null : BigInt(snapshot),
          score,
          at: parseTime(opened.time)!,
          campaign: about?.campaign ?? null,
          creative: about?.creative ?? null,
          tier: opened.capture.tier,
          seq,
        })
      } catch (error) {
        // An altered record is told by `whence verify`; what it says is not to be had.
        if (!isFault(error, 'altered')) throw error
      }
    }
    await this.#commit(seqs.at(-1)!, 'predictions', async (session) => {
      await session.load(
        'archived',
        [
          { name: 'prediction_id', type: 'VARCHAR', of: (row: SingleRow) => row.id },
          { name: 'subject', type: 'BLOB', of: (row: SingleRow) => row.subject },
          { name: 'model', type: 'VARCHAR', of: (row: SingleRow) => row.model },
          { name: 'feature_snapshot_id', type: 'BIGINT', of: (row: SingleRow) => row.snapshot },
          { name: 'score', type: 'DOUBLE', of: (row: SingleRow) => row.score },
          { name: 'at', type: 'TIMESTAMP', of: (row: SingleRow) => row.at },
          { name: 'campaign', type: 'VARCHAR', of: (row: SingleRow) => row.campaign },
          { name: 'creative', type: 'VARCHAR', of: (row: SingleRow) => row.creative },
          { name: 'tier', type: 'VARCHAR', of: (row: SingleRow) => row.tier },
          { name: 'seq', type: 'BIGINT', of: (row: SingleRow) => row.seq },
          { name: 'row', type: 'BIGINT', of: () => null },
        ],
        [rows],
      )
    })
  }

  async #archiveBatch(batch: Batch): Promise<void> {
    const path = join(this.#parts.folder, batch.files[0]!.path)
    const snapshot = batch.snapshot === undefined ? 'NULL' : String(batch.snapshot)
    await this.#commit(batch.seq, `batch ${batch.seq}`, (session) =>
      session.run(
        `CREATE OR REPLACE TEMP TABLE archived AS
         SELECT lower(hex(id)) AS prediction_id, subject, ${quote(batch.model)} AS model, ${snapshot}::BIGINT AS feature_snapshot_id,
           score, "at", campaign, creative, tier, ${batch.seq}::BIGINT AS seq, leaf AS "row"
         FROM read_parquet(${quote(path)})`,
      ),
    )
  }

  /** Writes the table `archived` that `make` makes, a file for each day, and commits them. */
  async #commit(seq: number, run: string, make: (session: Session) => Promise<unknown>): Promise<void> {
    const { tables, engine, folder } = this.#parts
    const partition = [{ column: 'at', transform: 'day' as const }]
    const fieldIds = await tables.fields(ARCHIVE, columns, BY, partition)
    const name = `predictions/archiving/${randomBytes(8).toString('hex')}`
    await mkdir(join(folder, 'predictions/archiving'), { recursive: true })
    const add: TableFile[] = []
    try {
      await engine.session(async (session) => {
        await make(session)
        const days = await session.rows<{ day: string; rows: bigint }>(
          `SELECT strftime("at", '%Y-%m-%d') AS day, count(*) AS rows FROM archived GROUP BY day ORDER BY day`,
        )
        for (const { day, rows } of days) {
          const path = `${name}-${day}.parquet`
          const full = join(folder, path)
          const of = `FROM archived WHERE "at" >= ${quote(day)}::TIMESTAMP AND "at" < ${quote(day)}::TIMESTAMP + INTERVAL 1 DAY`
          const selected = columns.map((column) => `"${column.name}"`).join(', ')
          await session.run(
            parquet(`SELECT ${selected} ${of} ORDER BY subject, seq, "row"`, `${full}.tmp`, {
              rows: Number(rows),
              fieldIds,
            }),
          )
          await settle(`${full}.tmp`, full)
          const { size } = await stat(full)
          add.push({ path, sha256: await digestOf(full), bytes: size, rows: Number(rows), partition: [day] })
        }
      })
      await tables.commit(
        ARCHIVE,
        {
          operation: 'append',
          columns,
          partition,
          add,
          summary: { run: `archive/${run}`, code: 'predictions/1', seq: seq + 1 },
          snapshotId: seq,
        },
        BY,
      )
    } finally {
      // The table has its own link to each.
      for (const { path } of add) await rm(join(folder, path), { force: true })
    }
  }
}

/** How often it is looked whether enough waits. */
const EVERY = 60_000
/** Predictions with records of their own that make a commit worth its files; fewer wait a quarter of an hour. */
const ENOUGH = 10_000
const LONGEST = 15 * 60_000

/** Keeps the archive: after each batch, and now and then for the predictions between. Returns the way to stop. */
export function keepArchive(archive: PredictionArchive, onBatch: (listener: () => void) => void): () => Promise<void> {
  let last = Date.now()
  const run = (): void => {
    last = Date.now()
    void archive
      .run()
      .catch((error: unknown) => console.error('whence: archiving predictions failed, and will be tried again:', error))
  }
  const look = async (): Promise<void> => {
    const waiting = await archive.waiting()
    if (waiting >= ENOUGH || (waiting > 0 && Date.now() - last >= LONGEST)) run()
  }
  const timer = setInterval(() => void look().catch(() => {}), EVERY)
  timer.unref()
  onBatch(run)
  return async () => {
    clearInterval(timer)
    await archive.settled()
  }
}
