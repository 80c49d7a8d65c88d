// Gates that alarms have raised: what would be released of a campaign, creative, model, prompt or agent is held for
// approval until the alarm is cleared. A live projection, so that a proposal judged after the alarm is durable sees it.
import type { Verdict } from '@whence/sdk'
import { hash } from 'node:crypto'
import type { LiveProjection, LiveRecord } from '../../record/projection/live.ts'
import { groupsOf } from '../../rules/monitors/groups.ts'
import type { Database } from '../../store/database.ts'

interface RaisedAlarm {
  readonly seq: number
  readonly monitor: string
  readonly by: string
  readonly group: string
}

type Refs = Readonly<Record<string, string>>

const groups = (refs: Refs): string[] => Object.entries(groupsOf(refs)).map(([by, group]) => `${by}:${group}`)

/** What a release depends on: an alarm that raises gates touches it. */
export function raisedKeys(refs: Refs): string[] {
  return groups(refs).map((group) => `raised:${group}`)
}

export class Raised implements LiveProjection {
  readonly kinds = ['alarm']
  readonly #database: Database
  /** By `by:group`, and then by the alarm. */
  readonly #alarms = new Map<string, Map<number, RaisedAlarm>>()

  constructor(database: Database) {
    this.#database = database
  }

  async load(): Promise<void> {
    const rows = await this.#database.query<{ seq: bigint; body: { monitor: string; by: string; group: string } }>(
      "select seq, body from alarm where does = 'raise' and cleared is null order by seq",
    )
    for (const { seq, body } of rows) this.#put({ ...body, seq: Number(seq) })
  }

  apply({ seq, entry: { refs } }: LiveRecord): void {
    if (refs.do !== 'raise') return
    if (refs.state === 'raised') this.#put({ seq, monitor: refs.monitor!, by: refs.by!, group: refs.group! })
    else this.#alarms.get(`${refs.by}:${refs.group}`)?.delete(Number(refs.of))
  }

  forget(): void {
    // Alarms are about groups, not about people.
  }

  /** The verdict on an action of such refs; undefined where nothing is raised. */
  verdict(refs: Refs): Verdict | undefined {
    const found = groups(refs).flatMap((group) => [...(this.#alarms.get(group)?.values() ?? [])])
    const [first] = found
    if (first === undefined) return undefined
    return {
      gate: 'monitors',
      kind: 'monitors',
      policy: first.monitor,
      fingerprint: hash('sha256', found.map(({ seq }) => seq).join()),
      outcome: 'hold',
      findings: found.map(({ seq, monitor, by: what, group }) => ({
        code: 'monitors.raised',
        message: `monitor ${monitor} raised the gates for ${what} ${group} (alarm ${seq}): it needs approval until that is cleared`,
      })),
      inputs: { alarms: found.map(({ seq }) => seq) },
    }
  }

  #put(alarm: RaisedAlarm): void {
    const key = `${alarm.by}:${alarm.group}`
    const alarms = this.#alarms.get(key)
    if (alarms) alarms.set(alarm.seq, alarm)
    else this.#alarms.set(key, new Map([[alarm.seq, alarm]]))
  }
}
