// What two agents proposed that may be about the same.
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { hash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { isFault } from '../../fault.ts'
import { openAction } from '../../path/actions/recorded.ts'
import type { OpenedAction } from '../../path/actions/recorded.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Proposed } from '../../rules/agents/pairing.ts'
import type { Database } from '../../store/database.ts'

export type Side = 'shadow' | 'incumbent'

/** A proposal in the tables. */
export interface Row {
  readonly seq: number
  readonly at: number
  /** Undefined: of a person who was erased. */
  readonly about: string | undefined
}

/** A proposal that was opened: what of it is compared. */
export interface Opened extends Proposed {
  readonly id: string
  readonly decision: OpenedAction['decision']
  readonly verdicts: OpenedAction['verdicts']
  readonly said: Readonly<Record<'creative' | 'value' | 'copy', string | undefined>>
}

/** Of one side, the newest first. Only what was proposed in shadow is of a shadow, and only the rest of an incumbent. */
export async function proposalsOf(
  database: Database,
  side: Side,
  { name, since, until, limit }: { name: string; since: bigint; until: bigint; limit: number },
): Promise<{ rows: Row[]; more: boolean }> {
  const rows = await database.query<{
    seq: bigint
    subject: string | null
    personal: boolean
    campaign: string | null
    channel: string | null
    type: string
    at: bigint
  }>(
    `select seq, subject, personal, campaign, channel, type, at from action
     where actor = any($1::text[]) and shadow = $2 and at >= $3 and at < $4 order by at desc, seq desc limit $5`,
    [['agent', 'service', 'user'].map((type) => `${type}:${name}`), side === 'shadow', since, until, limit + 1],
  )
  return {
    rows: rows.slice(0, limit).map(({ seq, subject, personal, campaign, channel, type, at }) => ({
      seq: Number(seq),
      at: Number(at),
      about: subject === null ? undefined : JSON.stringify([personal ? subject : '', campaign, channel, type]),
    })),
    more: rows.length > limit,
  }
}

/** Opens proposals; undefined stands for one that cannot be read. */
export async function openAll(ledger: Ledger, rows: readonly Row[]): Promise<(Opened | undefined)[]> {
  const opened: (Opened | undefined)[] = []
  for (const [i, row] of rows.entries()) {
    if (i % 200 === 199) await turn()
    opened.push(openOne(ledger, row))
  }
  return opened
}

function openOne(ledger: Ledger, { seq, about }: Row): Opened | undefined {
  try {
    const action = openAction(ledger, seq)
    if (action === undefined) return undefined
    const { proposal, decision, verdicts, time } = action
    const { creative, inputs, output } = proposal
    return {
      seq,
      id: proposal.id,
      about: about!,
      at: parseTime(time)!,
      predictions: inputs?.predictions ?? [],
      decision,
      verdicts,
      said: {
        creative,
        value: output?.value && digestOf(output.value),
        copy: output?.copy ? digestOf(output.copy) : output?.sha256,
      },
    }
  } catch (error) {
    if (isFault(error, 'altered')) return undefined
    throw error
  }
}

function digestOf(value: unknown): string {
  return hash('sha256', canonicalize(value as Json))
}
