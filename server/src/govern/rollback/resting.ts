// The actions that were made from predictions, found by the people that both are about and by the models that they name.
import type { Corrected } from '@whence/sdk'
import { openAction } from '../../path/actions/recorded.ts'
import { SAYINGS } from '../../path/actions/said.ts'
import { located, placeOf } from './concerned.ts'
import type { ConcernedParts } from './concerned.ts'

export interface Prediction {
  readonly ref: { readonly seq: number; readonly row?: number }
  readonly id: string
  readonly subject: string
  readonly model: string
}

const PAGE = 1000
/** People that one query asks for. */
const PEOPLE = 500

/** Those that name one of these predictions among their inputs; each is opened to see it. */
export async function restingOn(
  parts: ConcernedParts,
  predictions: readonly Prediction[],
): Promise<Corrected['actions']> {
  const { database, ledger, follower } = parts
  await follower.reach('action', 'review', 'claim', 'delivery', 'recall', 'erasure', ...SAYINGS)
  const ids = new Set(predictions.map(({ id }) => id))
  const places = new Set(predictions.map(({ ref }) => placeOf(ref)))
  const seen = new Set<bigint>()
  const people = new Set<string>()
  const states: Record<string, number> = {}
  let actions = 0
  const look = async (rows: readonly Row[]): Promise<void> => {
    for (const { seq, subject, personal, state } of rows) {
      if (seen.has(seq)) continue
      seen.add(seq)
      const action = openAction(ledger, Number(seq))
      if (!action) continue
      let rests = false
      for (const id of action.proposal.inputs?.predictions ?? []) {
        // An address by position is no id that a producer has given.
        if (!ids.has(id) && !id.startsWith('seq:')) continue
        const at = await located(parts, action, id)
        rests ||= at !== undefined && places.has(placeOf(at))
      }
      if (!rests) continue
      actions++
      states[state] = (states[state] ?? 0) + 1
      if (personal && subject !== null) people.add(subject)
    }
  }
  const subjects = [...new Set(predictions.map(({ subject }) => subject))]
  for (let from = 0; from < subjects.length; from += PEOPLE)
    await pages(database, 'a.subject = any($1::text[])', subjects.slice(from, from + PEOPLE), look)
  // An action about nobody, or about somebody else, may be made from a prediction too.
  const models = [...new Set(predictions.map(({ model }) => model))]
  if (models.length > 0)
    await pages(database, 'a.seq in (select action from action_rests r where r.model = any($1::text[]))', models, look)
  return { actions, people: people.size, states }
}

interface Row {
  seq: bigint
  subject: string | null
  personal: boolean
  state: string
}

async function pages(
  database: ConcernedParts['database'],
  condition: string,
  given: readonly string[],
  look: (rows: readonly Row[]) => Promise<void>,
): Promise<void> {
  for (let after = -1n; ;) {
    const rows = await database.query<Row>(
      `select seq, subject, personal, state from action a where ${condition} and seq > $2 order by seq limit ${PAGE}`,
      [given, after],
    )
    await look(rows)
    if (rows.length < PAGE) return
    after = rows.at(-1)!.seq
    await new Promise((resolve) => setImmediate(resolve))
  }
}
