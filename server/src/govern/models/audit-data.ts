// The data of a model version: its training set, the events behind it, and the snapshots that it has scored.
import { Fault } from '../../fault.ts'
import { plural } from '../reports/text.ts'
import type { Audited, AuditParts, Item } from './audited.ts'

/** Snapshots that are hashed again; all are counted. */
const HASHED = 10

export async function auditData(parts: AuditParts, audited: Audited): Promise<Item[]> {
  return [
    await trainingItem(parts, audited),
    ...(await eventItems(parts, audited)),
    ...(await snapshotItems(parts, audited)),
  ]
}

async function trainingItem(parts: AuditParts, { version, training, live }: Audited): Promise<Item> {
  const { trainingSet } = version
  if (!training)
    return {
      what: 'training set',
      name: trainingSet ?? 'not recorded',
      value: trainingSet ?? 'not recorded',
      truth: 'missing',
      check: trainingSet === undefined ? 'none is named' : 'it is not on the ledger',
      now: 'unknown',
      records: [],
    }
  const flaw = await parts.trainingSets.flaw({ id: training.id })
  const removed = training.rows - training.now.rows
  const other = live && live.version.trainingSet !== training.id ? live.version.trainingSet : undefined
  return {
    what: 'training set',
    name: training.id,
    value: `${plural(training.rows, 'row')} of ${training.views.map(({ view }) => view).join(', ')}, as of record ${training.asOf}`,
    truth: flaw === undefined ? 'recomputed' : 'contradicted',
    check: flaw === undefined ? 'all its rows were hashed again and are those on record' : flaw.replace(/\.$/, ''),
    now: flaw === undefined ? (removed > 0 ? 'changed' : 'same') : 'gone',
    nowValue: [
      removed > 0 ? `${plural(removed, 'row')} less: people who were erased` : 'all its rows are there',
      other === undefined ? '' : `production’s version was trained on ${other}`,
    ]
      .filter(Boolean)
      .join('; '),
    digest: training.contentDigest ?? training.rowsDigest,
    records: [training.seq],
  }
}

/** The events that the training set was made from: positions and digests as they were recorded. */
async function eventItems({ snapshots, ledger }: AuditParts, { training }: Audited): Promise<Item[]> {
  if (!training) return []
  return Promise.all(
    training.inputs.map(async ({ stream, contract, files }): Promise<Item> => {
      const rows = files.reduce((sum, file) => sum + file.rows, 0)
      const from = Math.min(...files.map((file) => file.from))
      const to = Math.max(...files.map((file) => file.to))
      const problems = await snapshots.events.check(stream).catch((error: unknown) => Fault.from(error))
      const flaw = problems instanceof Fault ? problems.message : problems[0]?.sentence
      const present = new Map((await snapshots.events.files(stream)).map((file) => [file.path, file.sha256]))
      const kept = files.every(({ path, sha256 }) => present.get(path) === sha256)
      return {
        what: 'events',
        name: stream,
        value:
          files.length === 0
            ? 'none'
            : `${plural(rows, 'event')} under ${contract}, records ${from} to ${to}, ${plural(files.length, 'file')}: ${files.map(({ sha256 }) => sha256.slice(0, 12)).join(', ')}`,
        truth: flaw === undefined ? 'recomputed' : 'contradicted',
        check:
          flaw === undefined
            ? 'the stream’s column files hold every event that the log has, and no other'
            : flaw.replace(/\.$/, ''),
        now: kept ? 'same' : 'changed',
        nowValue: kept
          ? 'its files are in use'
          : 'its events stand in other files now (merged, or written again without a person); the log says which they are',
        digest: files.map(({ sha256 }) => sha256).join(' '),
        // The first and the last: between them lies the rest of the log.
        records: files.length === 0 ? [] : [...new Set([from, to - 1])].filter((seq) => seq >= 0 && seq < ledger.size),
      }
    }),
  )
}

/** The snapshots that its predictions were made from, newest first. */
async function snapshotItems({ snapshots, database }: AuditParts, { name }: Audited): Promise<Item[]> {
  const rows = await database.query<{ snapshot: bigint; n: bigint }>(
    `select snapshot, sum(n)::int8 as n from (
       select snapshot, count(*) as n from prediction where model = $1 and snapshot is not null group by snapshot
       union all
       select snapshot, sum(rows) as n from prediction_batch where model = $1 and snapshot is not null group by snapshot
     ) as made group by snapshot order by snapshot desc`,
    [name],
  )
  const items: Item[] = []
  for (const row of rows.slice(0, HASHED)) {
    const id = Number(row.snapshot)
    const item = { what: 'snapshot' as const, name: String(id), records: [id] }
    try {
      const snapshot = await snapshots.get(id)
      const flaw = await snapshots.flaw(snapshot)
      items.push({
        ...item,
        value: `${snapshot.view} at ${snapshot.at}, ${plural(snapshot.rows, 'row')}; scored for ${plural(Number(row.n), 'prediction')}`,
        truth: flaw === undefined ? 'recomputed' : 'contradicted',
        check: flaw === undefined ? 'its files have the digests on record' : flaw.replace(/\.$/, ''),
        now: flaw === undefined ? 'same' : 'gone',
        nowValue: flaw === undefined ? 'its files are there' : 'its files are not as they were recorded',
        digest: snapshot.rowsDigest,
      })
    } catch (error) {
      const check = Fault.from(error).message
      items.push({ ...item, value: 'not on the ledger', truth: 'missing', check, now: 'gone', records: [] })
    }
  }
  if (rows.length > HASHED)
    items.push({
      what: 'snapshot',
      name: `${rows.length - HASHED} older`,
      value: 'scored by it too',
      truth: 'asserted',
      check: 'not hashed again here: whence verify hashes all',
      now: 'unknown',
      records: [],
    })
  return items
}
