// Alarms as records: raised by monitors, cleared by people. What an alarm says follows from the log alone, so that the
// same is said again whenever it is worked out again.
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { AlarmBody, AlarmsQuery } from '@whence/sdk'
import type { Alarm, AlarmClearance, Alarms as FoundAlarms, ClearedAlarm } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Draft } from '../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { mask } from '../../rules/gates/pii/mask.ts'
import type { Database } from '../../store/database.ts'

const STREAM = 'whence.alarms'

interface Row {
  seq: bigint
  body: AlarmBody
  cleared: bigint | null
  clearance: { time: string; by: string; note: string } | null
}

export const alarmProjection: Projection = {
  tables: ['alarm'],
  kinds: ['alarm'],
  async apply(tx, records) {
    for (const { seq, entry, open } of records) {
      const opened = open()
      if (opened.state !== 'open') continue
      const body = Buffer.from(opened.content).toString('utf8')
      const { refs } = entry
      if (refs.state === 'raised')
        await tx.query(
          `insert into alarm (seq, id, monitor, version, by, grp, at, does, body)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb)`,
          [
            BigInt(seq),
            entry.id,
            nameOf(refs.monitor!),
            versionOf(refs.monitor!),
            refs.by,
            refs.group,
            BigInt(refs.at!),
            refs.do,
            body,
          ],
        )
      else
        await tx.query(
          'update alarm set cleared = $2, clearance = $3::text::jsonb where seq = $1 and cleared is null',
          [
            BigInt(refs.of!),
            BigInt(seq),
            JSON.stringify({ ...(JSON.parse(body) as { note: string }), by: entry.actor, time: entry.recorded }),
          ],
        )
    }
  },
}

const nameOf = (monitor: string): string => monitor.slice(0, monitor.lastIndexOf('@v'))
const versionOf = (monitor: string): number => Number(monitor.slice(monitor.lastIndexOf('@v') + 2))

/** An alarm is the same one whenever it is found: by its monitor, its group, and from where it counts. */
export function alarmId({
  monitor,
  by,
  group,
  counted,
}: Pick<AlarmBody, 'monitor' | 'by' | 'group' | 'counted'>): string {
  return `${monitor}#${by}=${group}#${counted.from}`
}

export class Alarms {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database; clock: Clock }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
  }

  /** Puts an alarm on record, once; durable when it resolves. Throws `overloaded` or `disk_full`. */
  async raise(body: AlarmBody): Promise<void> {
    const { monitor, by, group, at, do: does, wants } = body
    await this.#follower.reach('alarm')
    const id = alarmId(body)
    const known = await this.#database.query('select seq from alarm where id = $1', [id])
    if (known.length > 0) return
    const draft: Draft = {
      kind: 'alarm/1',
      stream: STREAM,
      source: 'whence',
      id,
      time: parseTime(body.time)!,
      refs: {
        state: 'raised',
        monitor,
        by,
        group,
        at: String(at),
        do: does,
        ...(wants === undefined ? {} : { degree: wants.degree, dryRun: String(wants.dryRun) }),
      },
      content: Buffer.from(canonicalize(body as unknown as Json)),
      touches: [`alarm:${id}`, ...(does === 'raise' ? [`raised:${by}:${group}`] : [])],
    }
    await this.#ledger.appendOne(draft, 'whence')
  }

  /** Newest first. */
  async list(query: AlarmsQuery): Promise<FoundAlarms> {
    const { monitor, group, open, before, limit } = AlarmsQuery.parse(query)
    await this.#follower.reach('alarm')
    const asOf = this.#follower.next
    const rows = await this.#database.query<Row>(
      `select seq, body, cleared, clearance from alarm
       where seq < $1 and ($2::text is null or monitor = $2) and ($3::text is null or grp = $3)
         and ($4::text is null or (cleared is null) = ($4 = 'true'))
       order by seq desc limit $5`,
      [BigInt(before ?? Number.MAX_SAFE_INTEGER), monitor ?? null, group ?? null, open ?? null, limit + 1],
    )
    const page = rows.slice(0, limit)
    return {
      alarms: page.map(shown),
      ...(rows.length > limit ? { next: Number(page.at(-1)!.seq) } : {}),
      asOf,
    }
  }

  /** Every alarm of one version of a monitor, oldest first. */
  async of(monitor: string): Promise<Alarm[]> {
    await this.#follower.reach('alarm')
    const rows = await this.#database.query<Row>(
      'select seq, body, cleared, clearance from alarm where monitor = $1 and version = $2 order by seq',
      [nameOf(monitor), versionOf(monitor)],
    )
    return rows.map(shown)
  }

  /** Notes that an alarm is dealt with. Throws `not_found`, and `conflict` where it was before. */
  async clear(seq: number, { note }: AlarmClearance, caller: Caller): Promise<ClearedAlarm> {
    for (;;) {
      await this.#follower.reach('alarm')
      const basis = this.#ledger.size
      const [row] = await this.#database.query<Row>('select seq, body, cleared, clearance from alarm where seq = $1', [
        BigInt(seq),
      ])
      if (row === undefined) throw new Fault('not_found', `record ${seq} is no alarm: GET /v1/alarms lists them`)
      if (row.cleared !== null)
        throw new Fault('conflict', `the alarm ${seq} was cleared before, in record ${row.cleared}`)
      const { monitor, by, group, do: does } = row.body
      const key = `alarm:${alarmId(row.body)}`
      const content = { note: mask(note) }
      const result = await this.#ledger.append(
        [
          {
            kind: 'alarm/1',
            stream: STREAM,
            source: caller.source,
            id: `${alarmId(row.body)}#cleared`,
            time: this.#clock.now(),
            refs: { state: 'cleared', of: String(seq), monitor, by, group, do: does },
            content: Buffer.from(canonicalize(content)),
            touches: [key, ...(does === 'raise' ? [`raised:${by}:${group}`] : [])],
          },
        ],
        { actor: caller.id, basis, keys: [key] },
      )
      if (result === 'stale') continue
      const [placed] = result
      if (placed!.status === 'refused') throw placed!.fault
      const { seq: at, leaf, recorded, status } = placed!
      return {
        ...shown(row),
        cleared: { seq: at, time: recorded, by: caller.id, ...content },
        receipt: { seq: at, leaf, recorded, status },
      }
    }
  }

  /** The records of alarms and clearances before a position. */
  *positions(before: number): Generator<number> {
    for (let from = 0; from < before;) {
      const { seqs, next } = this.#ledger.ofStream(STREAM, from, 65_536)
      for (const seq of seqs) if (seq < before) yield seq
      from = next
    }
  }

  /** The alarm of a record, as it stands there. */
  read(seq: number): AlarmBody | undefined {
    const entry = this.#ledger.entry(seq)
    if (kindOf(entry) !== 'alarm' || entry.refs.state !== 'raised') return undefined
    const opened = this.#ledger.open(seq)
    return opened.state === 'open'
      ? AlarmBody.parse(JSON.parse(Buffer.from(opened.content).toString('utf8')))
      : undefined
  }
}

function shown({ seq, body, cleared, clearance }: Row): Alarm {
  return {
    ...body,
    seq: Number(seq),
    ...(cleared === null || clearance === null ? {} : { cleared: { seq: Number(cleared), ...clearance } }),
  }
}

/** For alarms, and how groups stand: evidence as it is shown. */
export function evidenceOf(log: number, threshold: number): AlarmBody['evidence'] {
  // Before the first block nothing is known: ln of nothing is no JSON.
  const finite = Math.max(log, -700)
  return { value: Math.min(1e300, Math.exp(finite)), log: finite, threshold: Math.exp(threshold) }
}
