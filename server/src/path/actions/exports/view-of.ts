// A view of an action, filled from what is on record.
import { statementOfParsed } from '@whence/sdk'
import type { ActionStatement, CopyPart, EnvelopeSignature, OutcomeRow } from '@whence/sdk'
import { isFault } from '../../../fault.ts'
import { kindOf } from '../../../record/ledger/entry.ts'
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { Follower } from '../../../record/projection/follower.ts'
import { parseTime } from '../../../rules/contracts/time.ts'
import type { Database } from '../../../store/database.ts'
import type { Actions } from '../actions.ts'
import type { Agents } from '../agents.ts'
import { editedCopy, proposalOf } from '../recorded.ts'
import type { OpenedAction } from '../recorded.ts'
import type { ActionView, ViewEdit, ViewVerdict } from './view.ts'

export interface ViewParts {
  ledger: Ledger
  follower: Follower
  database: Database
  actions: Actions
  agents: Agents
  /** Where a prediction stands. Throws `not_found`, and `conflict` where several have the id. */
  prediction(id: string): Promise<{ seq: number }>
  /** What came of an action, by its position: a later step of the path knows. */
  outcomes(action: number): Promise<readonly OutcomeRow[]>
}

/** What a record of a review says besides its entry. */
interface ReviewContent {
  readonly signature?: EnvelopeSignature
  readonly signer?: string
}

interface Review {
  readonly seq: number
  readonly at: number
  readonly step: string
  readonly by: string
  readonly decision: string | undefined
  readonly content: ReviewContent
}

/** Throws `not_found` for an action that is not there or was erased. */
export async function viewOf(parts: ViewParts, id: string): Promise<ActionView> {
  const { follower, actions, agents } = parts
  await follower.reach('action', 'review', 'claim', 'delivery', 'agent', 'erasure')
  const action = actions.open(await actions.locate(id))
  const { actor } = action.proposal
  const file = (await agents.inForce(action.seq)).get(actor.id)
  const reviews = await reviewsOf(parts, action)
  const statement = statementOf(action)
  const edits: ViewEdit[] = reviews
    .filter(({ step }) => step === 'edit')
    .map(({ seq, at, by }) => {
      const edited = statementOf(action, editedCopy(parts.ledger, seq))
      return { seq, at, by, statement: edited, signatures: countersignatures(reviews, seq) }
    })
  const own = (action.proposal.signatures ?? []).concat(countersignatures(reviews, action.seq))
  return {
    seq: action.seq,
    statement,
    signatures: own,
    decided: parseTime(action.time)!,
    recorded: parseTime(action.recorded)!,
    ...(file === undefined || file.policy.type !== actor.type
      ? {}
      : { agent: { name: file.policy.name, version: file.version, owner: file.policy.owner } }),
    verdicts: action.verdicts.map(verdictOf),
    decision: action.decision,
    ...(action.shadow ? { shadow: true } : {}),
    ...consentOf(action),
    reviews: reviews.flatMap(({ seq, at, by, step, decision }): ActionView['reviews'] => {
      if (decision === 'released' || decision === 'refused') return [{ seq, at, by, outcome: decision }]
      return step === 'approve' ? [{ seq, at, by, outcome: 'approved' }] : []
    }),
    edits,
    ...(await sendingOf(parts, action)),
    snapshots: snapshotsOf(parts, action),
    predictions: await predictionsOf(parts, action),
    outcomes: (await parts.outcomes(action.seq)).map(({ seq, time, type }) => ({
      seq,
      at: parseTime(time)!,
      kind: type,
    })),
  }
}

/** The statement of what was proposed, or of it with another copy. */
function statementOf({ proposal }: OpenedAction, copy?: readonly CopyPart[]): ActionStatement {
  return statementOfParsed(proposalOf(proposal, copy ?? proposal.output?.copy ?? []))
}

async function reviewsOf({ ledger, database }: ViewParts, { seq }: OpenedAction): Promise<Review[]> {
  const rows = await database.query<{ seq: bigint; step: string; reviewer: string; at: bigint }>(
    'select seq, step, reviewer, at from action_review where action = $1 order by seq',
    [BigInt(seq)],
  )
  return rows.map((row) => {
    const opened = ledger.open(Number(row.seq))
    const content = (
      opened.state === 'open' ? JSON.parse(Buffer.from(opened.content).toString('utf8')) : {}
    ) as ReviewContent
    return {
      seq: Number(row.seq),
      at: Number(row.at),
      step: row.step,
      by: content.signer ?? row.reviewer,
      decision: opened.entry.refs.decision,
      content,
    }
  })
}

/** Signatures of approvals of what was made at a position: of those before the next edit. */
function countersignatures(reviews: readonly Review[], made: number): EnvelopeSignature[] {
  const next = reviews.find(({ seq, step }) => step === 'edit' && seq > made)?.seq ?? Number.POSITIVE_INFINITY
  return reviews.flatMap(({ seq, content: { signature } }) =>
    signature !== undefined && seq > made && seq < next ? [signature] : [],
  )
}

function verdictOf({ gate, kind, policy, fingerprint, outcome, shadow, findings }: ViewVerdictSource): ViewVerdict {
  const codes = [...new Set(findings.map(({ code }) => code))]
  return { gate, kind, policy, fingerprint, outcome, ...(shadow ? { shadow } : {}), codes }
}
type ViewVerdictSource = OpenedAction['verdicts'][number]

/** As the gate recorded it. */
function consentOf({ verdicts }: OpenedAction): Pick<ActionView, 'consent'> {
  const verdict = verdicts.find(({ kind }) => kind === 'consent')
  const { code, basis, policy, receipt } = (verdict?.inputs ?? {}) as Partial<NonNullable<ActionView['consent']>>
  if (verdict === undefined || code === undefined) return {}
  return {
    consent: {
      allowed: verdict.outcome === 'pass',
      code,
      ...(basis === undefined ? {} : { basis }),
      ...(policy === undefined ? {} : { policy }),
      ...(receipt === undefined ? {} : { receipt }),
    },
  }
}

async function sendingOf(
  { database }: ViewParts,
  { seq }: OpenedAction,
): Promise<Pick<ActionView, 'claims' | 'deliveries'>> {
  const claims = await database.query<{ seq: bigint; at: bigint; until: bigint; claimant: string }>(
    'select seq, at, until, claimant from action_claim where action = $1 order by seq',
    [BigInt(seq)],
  )
  const deliveries = await database.query<{ seq: bigint; claim: bigint; at: bigint; status: string }>(
    'select seq, claim, at, status from action_delivery where action = $1 order by seq',
    [BigInt(seq)],
  )
  const claimants = new Map(claims.map(({ seq, claimant }) => [seq, claimant]))
  return {
    claims: claims.map(({ seq, at, until, claimant }) => ({
      seq: Number(seq),
      at: Number(at),
      until: Number(until),
      by: claimant,
    })),
    deliveries: deliveries.map(({ seq, claim, at, status }) => ({
      seq: Number(seq),
      at: Number(at),
      by: claimants.get(claim) ?? 'unknown',
      outcome: status,
    })),
  }
}

/** Those of the positions that are snapshots, and stood before the action. */
function snapshotsOf({ ledger }: ViewParts, { seq, proposal }: OpenedAction): ActionView['snapshots'] {
  return (proposal.inputs?.snapshots ?? []).flatMap((position) => {
    if (position >= seq || kindOf(ledger.entry(position)) !== 'snapshot') return []
    const { view } = ledger.entry(position).refs
    return view === undefined ? [] : [{ seq: position, view }]
  })
}

/** Those of the predictions that are on record, once each. */
async function predictionsOf(
  { ledger, prediction }: ViewParts,
  { proposal }: OpenedAction,
): Promise<ActionView['predictions']> {
  const found = new Map<number, ActionView['predictions'][number]>()
  for (const id of proposal.inputs?.predictions ?? []) {
    try {
      const { seq } = await prediction(id)
      const { model, snapshot } = ledger.entry(seq).refs
      if (model !== undefined)
        found.set(seq, { seq, model, ...(snapshot === undefined ? {} : { snapshot: Number(snapshot) }) })
    } catch (error) {
      if (!isFault(error, 'not_found') && !isFault(error, 'conflict')) throw error
    }
  }
  return [...found.values()]
}
