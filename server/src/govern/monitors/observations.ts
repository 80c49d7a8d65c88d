// Facts about messages as a table, made from entries alone: nothing is opened, so that an erasure takes nothing away, and
// nothing leads to a person.
//
// A fact is known of its message from the record on that ties them: its own, or the first delivery that names the
// message. Facts are handed to monitors in that order.
import { kindOf } from '../../record/ledger/entry.ts'
import type { Entry } from '../../record/ledger/entry.ts'
import type { FollowedRecord, Projection } from '../../record/projection/follower.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { groupsOf } from '../../rules/monitors/groups.ts'
import { facts } from '../../rules/monitors/observation.ts'
import type { Fact, Observation } from '../../rules/monitors/observation.ts'
import type { Database, Transaction } from '../../store/database.ts'

/** The stream of what came of messages. */
const OUTCOMES = 'whence.outcomes'

interface Row {
  readonly seq: number
  at?: number
  recorded?: number
  action?: number
  readonly fact: string
  readonly message?: string | undefined
}

/** `action`: the entry of an action, by its position. */
export function observationProjection(action: (seq: number) => Entry): Projection {
  return {
    tables: ['observation', 'observed_message'],
    kinds: ['delivery', 'event'],
    async apply(tx, records) {
      const ours = records.filter(({ entry }) => kindOf(entry) !== 'event' || entry.stream === OUTCOMES)
      if (ours.length > 0) await new Batch(tx, action).apply(ours)
    },
  }
}

/** Records of one batch, in order, with what was known of their messages before. */
class Batch {
  readonly #tx: Transaction
  readonly #action: (seq: number) => Entry
  readonly #messages = new Map<string, number>()
  readonly #waiting = new Map<string, Row[]>()
  readonly #added: Row[] = []
  readonly #tied: Row[] = []
  readonly #named: [string, number][] = []

  constructor(tx: Transaction, action: (seq: number) => Entry) {
    this.#tx = tx
    this.#action = action
  }

  async apply(records: readonly FollowedRecord[]): Promise<void> {
    await this.#load(records)
    for (const record of records)
      if (kindOf(record.entry) === 'delivery') this.#delivered(record)
      else this.#came(record)
    await this.#write()
  }

  async #load(records: readonly FollowedRecord[]): Promise<void> {
    const messages = [...new Set(records.flatMap(({ entry: { refs } }) => (refs.message ? [refs.message] : [])))]
    if (messages.length === 0) return
    for (const { message, action } of await this.#tx.query<{ message: string; action: bigint }>(
      'select message, action from observed_message where message = any($1::text[])',
      [messages],
    ))
      this.#messages.set(message, Number(action))
    for (const { seq, fact, message } of await this.#tx.query<{ seq: bigint; fact: string; message: string }>(
      'select seq, fact, message from observation where at is null and message = any($1::text[]) order by seq',
      [messages],
    ))
      this.#wait({ seq: Number(seq), fact, message })
  }

  #wait(row: Row): void {
    const rows = this.#waiting.get(row.message!)
    if (rows) rows.push(row)
    else this.#waiting.set(row.message!, [row])
  }

  #delivered({ seq, entry: { refs, recorded } }: FollowedRecord): void {
    if (refs.status === 'returned') return
    const action = Number(refs.action)
    const known = { at: seq, recorded: parseTime(recorded)!, action }
    const { message } = refs
    if (message !== undefined && !this.#messages.has(message)) {
      this.#messages.set(message, action)
      this.#named.push([message, action])
      for (const row of this.#waiting.get(message) ?? []) this.#tied.push(Object.assign(row, known))
      this.#waiting.delete(message)
    }
    if (refs.status === 'sent') this.#added.push({ seq, fact: 'sent', ...known })
  }

  #came({ seq, entry: { refs, recorded } }: FollowedRecord): void {
    const { type, message } = refs
    if (type === undefined || !(facts as readonly string[]).includes(type)) return
    const action =
      refs.action !== undefined ? Number(refs.action) : message === undefined ? undefined : this.#messages.get(message)
    const row: Row = { seq, fact: type, message }
    if (action !== undefined) Object.assign(row, { at: seq, recorded: parseTime(recorded)!, action })
    else if (message !== undefined) this.#wait(row)
    this.#added.push(row)
  }

  async #write(): Promise<void> {
    const added = new Set(this.#added.map(({ seq }) => seq))
    if (this.#named.length > 0)
      await this.#tx.query(
        'insert into observed_message (message, action) select * from unnest($1::text[], $2::int8[])',
        [this.#named.map(([message]) => message), this.#named.map(([, action]) => BigInt(action))],
      )
    await this.#tx.copy(
      'observation',
      [
        { name: 'seq', type: 'int8' },
        { name: 'at', type: 'int8' },
        { name: 'recorded', type: 'int8' },
        { name: 'action', type: 'int8' },
        { name: 'fact', type: 'text' },
        { name: 'message', type: 'text' },
        ...GROUPS.map((name) => ({ name, type: 'text' as const })),
      ],
      this.#added.map((row) => [
        BigInt(row.seq),
        row.at === undefined ? null : BigInt(row.at),
        row.recorded === undefined ? null : BigInt(row.recorded),
        row.action === undefined ? null : BigInt(row.action),
        row.fact,
        row.message ?? null,
        ...this.#groups(row.action),
      ]),
    )
    const earlier = this.#tied.filter(({ seq }) => !added.has(seq))
    if (earlier.length === 0) return
    const groups = earlier.map(({ action }) => this.#groups(action))
    await this.#tx.query(
      `update observation set at = given.at, recorded = given.recorded, action = given.action,
         ${GROUPS.map((name) => `${name} = given.${name}`).join(', ')}
       from unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], ${GROUPS.map((_, i) => `$${i + 5}::text[]`).join(', ')})
         as given (seq, at, recorded, action, ${GROUPS.join(', ')})
       where observation.seq = given.seq`,
      [
        ...(['seq', 'at', 'recorded', 'action'] as const).map((name) => earlier.map((row) => BigInt(row[name]!))),
        ...GROUPS.map((_, i) => groups.map((values) => values[i] ?? null)),
      ],
    )
  }

  #groups(action: number | undefined): (string | null)[] {
    if (action === undefined) return GROUPS.map(() => null)
    const { refs } = this.#action(action)
    const groups: Readonly<Record<string, string>> = { ...groupsOf(refs), environment: refs.environment ?? '' }
    return GROUPS.map((name) => groups[name] ?? null)
  }
}

const GROUPS = ['environment', 'campaign', 'creative', 'model', 'prompt', 'agent'] as const

const PAGE = 5000

/** Facts that became known from one record on, up to another, in order; a page at a time. */
export async function* observations(
  database: Database,
  { from, to }: { from: number; to: number },
): AsyncGenerator<Observation[]> {
  let [at, seq] = [from, -1]
  for (;;) {
    const rows = await database.query<
      Record<(typeof GROUPS)[number], string | null> & {
        seq: bigint
        at: bigint
        recorded: bigint
        action: bigint
        fact: string
      }
    >(
      `select seq, at, recorded, action, fact, ${GROUPS.join(', ')} from observation
       where at is not null and (at, seq) > ($1, $2) and at < $3 order by at, seq limit ${PAGE}`,
      [BigInt(at), BigInt(seq), BigInt(to)],
    )
    if (rows.length === 0) return
    yield rows.map(({ environment, campaign, creative, model, prompt, agent, ...row }) => ({
      at: Number(row.at),
      seq: Number(row.seq),
      recorded: Number(row.recorded),
      message: Number(row.action),
      fact: row.fact as Fact,
      environment: environment ?? '',
      groups: Object.fromEntries(
        Object.entries({ campaign, creative, model, prompt, agent }).filter(([, value]) => value !== null),
      ),
    }))
    const last = rows.at(-1)!
    ;[at, seq] = [Number(last.at), Number(last.seq)]
    if (rows.length < PAGE) return
  }
}

/** Facts about messages that nobody knows. */
export async function untied(database: Database): Promise<number> {
  const [row] = await database.query<{ n: bigint }>('select count(*) as n from observation where at is null')
  return Number(row!.n)
}
