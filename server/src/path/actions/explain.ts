// From a message back to everything behind it: who wrote it under which prompt and model, what the gates said, who
// approved it, on which consent it rests, what became of it, and the predictions that it was made from.
import type { ActionExplanation, ActionState, ConsentVerdict, Explanation, OutcomeRow } from '@whence/sdk'
import { hash } from 'node:crypto'
import { isFault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import { ends, footingOf } from '../../rules/actions/footing.ts'
import type { Standing } from '../../rules/consent/verdict.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import type { Actions } from './actions.ts'
import { tracesOf } from './explain-traces.ts'
import { editedCopy } from './recorded.ts'
import type { OpenedAction } from './recorded.ts'
import { saidBy, SAYINGS } from './said.ts'
import type { Traces } from './traces.ts'

export interface ExplainActionParts {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
  standing: Standing
  actions: Actions
  traces: Traces
  mask(text: string): string
  /** The explanation of a prediction. Throws `not_found`. */
  prediction(id: string): Promise<Explanation>
  /** What came of an action, by its position: a later step of the path knows. */
  outcomes(action: number): Promise<OutcomeRow[]>
}

/** Predictions of one action that are explained with it. */
const PREDICTIONS = 10
/** Outcomes of one action that are among its evidence: the latest. */
const OUTCOMES = 100

/** Throws `not_found`; `altered` is told as what it is. */
export async function explainAction(parts: ExplainActionParts, id: string): Promise<ActionExplanation> {
  const { ledger, follower, database, actions, standing, clock } = parts
  await follower.reach('action', 'review', 'claim', 'delivery', 'recall', ...SAYINGS, 'erasure')
  const asOf = follower.next
  const action = actions.open(await actions.locate(id))
  const { proposal, refs } = action
  const [row] = await database.query<{ state: ActionState; released_at: bigint | null }>(
    'select state, released_at from action where seq = $1',
    [BigInt(action.seq)],
  )
  const reviews = await reviewsOf(parts, action)
  const claims = await claimsOf(parts, action)
  const edit = reviews.findLast(({ step }) => step === 'edit')
  const copy = edit === undefined ? (proposal.output?.copy ?? []) : editedCopy(ledger, edit.seq)
  const released = reviews.find(({ decision }) => decision === 'released')?.seq ?? action.seq
  const withdrawal =
    (row?.released_at ?? null) === null ? undefined : await withdrawalOf(parts, action, released, claims)
  const predictions = await predictionsOf(parts, proposal.inputs?.predictions ?? [])
  const traced = await tracesOf(parts.traces, action)
  const outcomes = await parts.outcomes(action.seq)
  const last = reviews.findLast(({ decision }) => decision !== undefined)
  const decision = last?.decision ?? action.decision
  const seqs = [
    action.seq,
    ...reviews.map(({ seq }) => seq),
    ...claims.flatMap(({ seq, delivery }) => (delivery ? [seq, delivery.seq] : [seq])),
  ]
  if (withdrawal) seqs.push(withdrawal.seq)
  seqs.push(...outcomes.slice(-OUTCOMES).map(({ seq }) => seq))
  for (const { inputs } of action.verdicts) {
    const receipt = (inputs as { receipt?: { seq?: number } }).receipt?.seq
    if (receipt !== undefined) seqs.push(receipt)
  }
  const records = [...new Set(seqs)].sort((a, b) => a - b).map((seq) => evidenceOf(ledger, seq))
  const consentNow: ConsentVerdict | undefined = action.personal
    ? standing.check({
        subject: action.subject,
        purpose: proposal.purpose,
        channel: proposal.channel,
        jurisdiction: proposal.jurisdiction,
        at: clock.now(),
      })
    : undefined
  const state = row?.state ?? (decision === 'released' ? 'queued' : decision)
  const { masked, prompt } = proposal
  return {
    id: proposal.id,
    seq: action.seq,
    sentence: sentenceOf(action, state, withdrawal),
    alerts: [...alertsOf({ records, withdrawal, predictions, outcomes }), ...traced.alerts],
    state,
    type: proposal.type,
    actor: proposal.actor,
    environment: proposal.environment,
    ...given({
      campaign: proposal.campaign,
      creative: proposal.creative,
      channel: proposal.channel,
      subject: action.personal ? action.subject : undefined,
      model: proposal.model,
      prompt: prompt && {
        ...given({
          template: prompt.template,
          version: prompt.version,
          sha256: prompt.sha256,
          systemSha256: prompt.systemSha256,
          masked: masked?.text,
        }),
      },
      thoughtSha256: proposal.thoughtSha256,
      inputs: proposal.inputs,
      value: proposal.output?.value,
      statement: action.statement,
      asserted: assertedIn(proposal, parts.mask),
      consentNow,
      withdrawal,
    }),
    purpose: proposal.purpose,
    time: action.time,
    recorded: action.recorded,
    shadow: refs.shadow === 'true',
    risk: proposal.risk,
    copy: copy.map(({ part, text }) => ({
      part,
      sha256: hash('sha256', text),
      length: text.length,
      masked: parts.mask(text),
    })),
    decision,
    reason: action.reason,
    verdicts: [...action.verdicts],
    reviews,
    claims,
    outcomes,
    predictions,
    traces: traced.traces,
    records,
    integrity: records.some(({ integrity }) => integrity === 'altered') ? 'altered' : 'intact',
    asOf,
  }
}

/** The proposer's own word; terms that it found stand in the copy, and may be personal. */
function assertedIn(
  { asserted, consent }: OpenedAction['proposal'],
  mask: ExplainActionParts['mask'],
): ActionExplanation['asserted'] {
  if (asserted === undefined && consent === undefined) return undefined
  const { prohibitedTerms, ...rest } = asserted ?? {}
  return { ...rest, ...given({ prohibitedTerms: prohibitedTerms?.map(mask), consent }) }
}

async function reviewsOf(
  { ledger, database }: ExplainActionParts,
  { seq }: OpenedAction,
): Promise<ActionExplanation['reviews']> {
  const rows = await database.query<{ seq: bigint; step: string; reviewer: string; at: bigint }>(
    'select seq, step, reviewer, at from action_review where action = $1 order by seq',
    [BigInt(seq)],
  )
  return rows.map((row) => {
    const opened = ledger.open(Number(row.seq))
    const { note, diff } = (
      opened.state === 'open' ? JSON.parse(Buffer.from(opened.content).toString('utf8')) : {}
    ) as { note?: string; diff?: { part: string; diff: string }[] }
    const decision = opened.entry.refs.decision as ActionExplanation['decision'] | undefined
    return {
      seq: Number(row.seq),
      at: formatTime(Number(row.at)),
      step: row.step,
      by: row.reviewer,
      ...given({ decision, note, diff }),
    }
  })
}

async function claimsOf(
  { ledger, database }: ExplainActionParts,
  { seq }: OpenedAction,
): Promise<ActionExplanation['claims']> {
  const rows = await database.query<{ seq: bigint; at: bigint; until: bigint; claimant: string }>(
    'select seq, at, until, claimant from action_claim where action = $1 order by seq',
    [BigInt(seq)],
  )
  const deliveries = await database.query<{
    seq: bigint
    claim: bigint
    at: bigint
    status: string
    late: boolean
    withdrawn: bigint | null
  }>('select seq, claim, at, status, late, withdrawn from action_delivery where action = $1 order by seq', [
    BigInt(seq),
  ])
  return rows.map((row) => {
    const delivery = deliveries.find(({ claim }) => claim === row.seq)
    const opened = delivery && ledger.open(Number(delivery.seq))
    const { reason } = (opened?.state === 'open' ? JSON.parse(Buffer.from(opened.content).toString('utf8')) : {}) as {
      reason?: string
    }
    return {
      seq: Number(row.seq),
      at: formatTime(Number(row.at)),
      until: formatTime(Number(row.until)),
      by: row.claimant,
      ...given({
        delivery: delivery && {
          seq: Number(delivery.seq),
          at: formatTime(Number(delivery.at)),
          status: delivery.status,
          late: delivery.late,
          ...given({ withdrawn: delivery.withdrawn === null ? undefined : Number(delivery.withdrawn), reason }),
        },
      }),
    }
  })
}

/** The first thing that the person said after the release which ends what it rests on. */
async function withdrawalOf(
  { ledger }: ExplainActionParts,
  action: OpenedAction,
  released: number,
  claims: ActionExplanation['claims'],
): Promise<ActionExplanation['withdrawal']> {
  const footing = footingOf(released === action.seq ? action.refs : ledger.entry(released).refs)
  const records = [...ledger.recordsOf(action.subject, { from: released + 1 })].toReversed()
  for (const seq of records) {
    const entry = ledger.entry(seq)
    if (!SAYINGS.includes(kindOf(entry))) continue
    const opened = ledger.open(seq)
    const said = saidBy({ entry, seq }, opened).find((one) => ends(one, footing))
    if (opened.state !== 'open' || said === undefined) continue
    const sent = claims.some(({ delivery }) => delivery?.status === 'sent' && delivery.seq < seq)
    const claimed = claims.some((claim) => claim.seq < seq)
    const found = sent ? 'sent' : claimed ? 'with a sender' : 'queued'
    const time = String(opened.header.time)
    return {
      seq,
      said: time,
      recorded: entry.recorded,
      what: said.what === 'objection' ? `objects to ${said.purpose}` : `no longer consents to ${said.purpose}`,
      found,
      ...(found === 'queued' ? { suppressionMs: (parseTime(entry.recorded)! - parseTime(time)!) / 1000 } : {}),
    }
  }
  return undefined
}

async function predictionsOf(
  { prediction }: ExplainActionParts,
  ids: readonly string[],
): Promise<ActionExplanation['predictions']> {
  const told: ActionExplanation['predictions'] = []
  for (const id of ids.slice(0, PREDICTIONS)) {
    try {
      const { seq, sentence, score, model, snapshot, events, lineage } = await prediction(id)
      const campaigns = [...new Set(events.flatMap(({ campaign }) => (campaign === undefined ? [] : [campaign])))]
      told.push({
        id,
        found: true,
        seq,
        sentence,
        truth: score.truth,
        model: model.name,
        events: events.length,
        campaigns,
        upstream: lineage?.sources.map((source) => source.id) ?? [],
        ...given({ score: score.recomputed ?? score.stored, snapshot: snapshot?.id }),
      })
    } catch (error) {
      if (!isFault(error, 'not_found') && !isFault(error, 'conflict')) throw error
      told.push({ id, found: false, problem: error.message })
    }
  }
  for (const id of ids.slice(PREDICTIONS)) told.push({ id, found: false, problem: 'not looked at: too many' })
  return told
}

function evidenceOf(ledger: Ledger, seq: number): ActionExplanation['records'][number] {
  const { kind, actor } = ledger.entry(seq)
  const { leaf, recorded } = ledger.receiptOf(seq)
  try {
    ledger.open(seq)
    return { seq, kind, leaf, recorded, actor, integrity: 'intact' }
  } catch (error) {
    return { seq, kind, leaf, recorded, actor, integrity: 'altered', problem: (error as Error).message }
  }
}

const became: Readonly<Record<ActionState, string>> = {
  refused: 'was refused',
  held: 'waits for an approval',
  queued: 'was released and waits for a sender',
  claimed: 'was given to a sender, who has not said what became of it',
  sent: 'was sent',
  failed: 'was released and could not be delivered',
  suppressed: 'was released, and suppressed before any sender had it',
  recalled: 'was released, and taken back before any sender had it',
  shadow: 'was proposed in shadow: nothing of it is ever released',
  erased: 'can no longer be read',
}

function sentenceOf(
  { proposal, reason }: OpenedAction,
  state: ActionState,
  withdrawal: ActionExplanation['withdrawal'],
): string {
  const { actor, type, channel, campaign, model, prompt } = proposal
  const what = {
    send: 'A message',
    edit: 'An edit',
    target: 'A targeting',
    bid: 'A bid',
    choose_creative: 'A choice of creative',
  }
  const by = `${what[type]}${channel === undefined ? '' : ` by ${channel}`} of ${actor.type} ${actor.id}`
  const how = [
    model && `model ${model.name}${model.version === undefined ? '' : ` ${model.version}`}`,
    prompt?.template && `prompt ${prompt.template}${prompt.version === undefined ? '' : ` ${prompt.version}`}`,
    campaign && `campaign ${campaign}`,
  ].filter(Boolean)
  const why = state === 'refused' || state === 'held' ? `: ${reason}` : ''
  const ended = withdrawal ? `. The person ${withdrawal.what} (record ${withdrawal.seq})` : ''
  return `${by}${how.length > 0 ? ` (${how.join(', ')})` : ''} ${became[state]}${why}${ended}.`
}

function alertsOf({
  records,
  withdrawal,
  predictions,
  outcomes,
}: Pick<ActionExplanation, 'records' | 'withdrawal' | 'predictions' | 'outcomes'>): string[] {
  const grave = outcomes.filter(({ type }) => type === 'complained' || type === 'appeal')
  return [
    ...records.flatMap(({ seq, problem }) => (problem === undefined ? [] : [`Record ${seq} is altered: ${problem}`])),
    ...(withdrawal?.found === 'with a sender'
      ? [`A sender had it already when the person withdrew (record ${withdrawal.seq}).`]
      : []),
    ...grave.map(({ type, seq, time }) =>
      type === 'appeal'
        ? `The person appealed against it at ${time} (record ${seq}).`
        : `The person complained of it at ${time} (record ${seq}).`,
    ),
    ...predictions.flatMap(({ id, truth }) =>
      truth === 'contradicted' ? [`The score of prediction ${id} is contradicted by its events.`] : [],
    ),
    ...predictions.flatMap(({ id, found, problem }) => (found ? [] : [`Prediction ${id} is not known: ${problem}`])),
  ]
}

function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}
