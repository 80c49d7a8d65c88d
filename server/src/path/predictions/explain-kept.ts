// What was kept of a prediction beside itself: under which tier, which events counted, and what a promotion recovered.
import type { Explanation, ModelVersion, Promotion } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { ExplainedInputs } from './explain-inputs.ts'
import type { ExplainParts } from './explain.ts'
import { show } from './explain-words.ts'
import type { Findings } from './findings.ts'
import { lostOf, servedInputs } from './promotion.ts'
import type { OpenedPrediction } from './recorded.ts'

type Open = Extract<OpenedPrediction, { state: 'open' }>
type Kept = Pick<Explanation, 'capture' | 'promotion' | 'keptContributors'>

/** Adds to the inputs what only the kept things still say. */
export async function explainKept(
  findings: Findings,
  parts: ExplainParts,
  opened: Open,
  from: ExplainedInputs,
  model: ModelVersion | undefined,
): Promise<Kept> {
  const { capture, contributors, at } = opened
  const promotion = promotionOf(findings, parts, opened)
  const kept: Kept = { capture }
  if (capture.tier === 'minimal') await explainMinimal(findings, parts, opened, from, model, promotion)
  const counted = contributors ?? promotion?.contributors
  if (counted) {
    const since = contributors ? at.seq : promotion!.seq
    kept.keptContributors = explainContributors(findings, counted, since, from)
  }
  if (promotion) {
    const { receipt: _, prediction: __, ...shown } = promotion
    kept.promotion = shown
    usePromotion(findings, promotion, from)
  }
  return kept
}

function promotionOf(findings: Findings, parts: ExplainParts, { at }: Open): Promotion | undefined {
  try {
    const promotion = parts.promotions.of(at)
    if (!promotion || !findings.known(promotion.seq)) return undefined
    findings.rest(promotion.seq)
    return promotion
  } catch (error) {
    findings.alert('contradicted', `The promotion of this prediction is altered: ${Fault.from(error).message}.`)
    return undefined
  }
}

/** Of a minimal prediction the inputs are computed again; a digest says whether they are those that were served. */
async function explainMinimal(
  findings: Findings,
  parts: ExplainParts,
  opened: Open,
  { recomputed }: ExplainedInputs,
  model: ModelVersion | undefined,
  promotion: Promotion | undefined,
): Promise<void> {
  const { capture, at, prediction } = opened
  const by = capture.policy === undefined ? '' : ` (policy ${capture.policy})`
  if (!promotion)
    findings.alert(
      'missing',
      `Only model version, time, snapshot and score of this prediction were kept${by}: what the model was given is not on record.`,
    )
  const digest = prediction.leftOut?.inputs
  if (digest === undefined || !recomputed) return
  const equal = await servedInputs(
    parts.predictions,
    opened,
    recomputed,
    model?.model?.features.map(({ name }) => name),
  )
  if (equal)
    findings.claim('input', 'inputs as served', 'equal to the recomputed ones', 'recomputed', [at.seq], {
      note: 'of what the model was given a digest was kept: it is that of the recomputed inputs',
    })
  else {
    const note = 'of what the model was given a digest was kept: it is not that of the recomputed inputs'
    findings.alert('contradicted', 'What the model was given differs from the recomputed inputs: their digests differ.')
    findings.claim('input', 'inputs as served', 'other than the recomputed ones', 'contradicted', [at.seq], { note })
  }
}

/** Events may have gone since: which ones counted is still known. */
function explainContributors(
  findings: Findings,
  counted: Readonly<Record<string, readonly number[]>>,
  since: number,
  from: ExplainedInputs,
): NonNullable<Explanation['keptContributors']> {
  const all = new Set(Object.values(counted).flat())
  const lost = lostOf(counted, from.recomputed)
  if (lost.length > 0) {
    const some = lost.slice(0, 5).join(', ') + (lost.length > 5 ? ', …' : '')
    findings.alert(
      'missing',
      `${lost.length} of the ${all.size} events that counted can no longer be opened (record ${some}): which ones they were was kept with record ${since}.`,
    )
  }
  findings.claim('event', 'kept contributors', `${all.size} events`, 'asserted', [since], {
    by: findings.actorOf(since),
    note:
      lost.length === 0
        ? 'all of them can still be opened'
        : `${lost.length} of them can no longer be opened: the list is as it was kept`,
  })
  for (const [name, events] of Object.entries(counted)) {
    const input = from.inputs.find((one) => one.name === name)
    if (!input)
      from.inputs.push({
        name,
        truth: 'missing',
        events: [...events],
        expression: '',
        note: 'its events were kept, its value was not',
      })
    else if (events.some((seq) => lost.includes(seq)) && !from.recomputed) input.events = [...events]
    else if (events.some((seq) => lost.includes(seq))) {
      input.note = `${input.note ? `${input.note} ` : ''}${events.length} events counted when it was recorded: ${events.filter((seq) => lost.includes(seq)).length} of them cannot be opened now.`
    }
  }
  return {
    seq: since,
    features: Object.fromEntries(Object.entries(counted).map(([name, seqs]) => [name, [...seqs]])),
    lost,
  }
}

/** Where nothing can be computed again any more, what was computed at the promotion is shown, as that. */
function usePromotion(findings: Findings, promotion: Promotion, from: ExplainedInputs): void {
  if (from.recomputed || !promotion.inputs) return
  for (const [name, value] of Object.entries(promotion.inputs)) {
    const input = from.inputs.find((one) => one.name === name)
    const note = `as of the promotion (record ${promotion.seq}): ${promotion.inputsAre ?? 'recomputed'}`
    findings.claim('input', name, show(value), 'asserted', [promotion.seq], {
      note,
      by: findings.actorOf(promotion.seq),
    })
    if (input) Object.assign(input, { served: value, truth: 'asserted', note })
    else from.inputs.push({ name, served: value, truth: 'asserted', events: [], expression: '', note })
  }
}
