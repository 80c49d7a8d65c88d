// The inputs of a prediction: the snapshot they came from, the events behind each, and every value computed again.
import type { ContributingEvent, ExplainedInput, FeatureValue, Snapshot, Truth } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { formatTime } from '../../record/time.ts'
import type { ReadEvent } from '../events/event.ts'
import type { Recomputed } from '../features/snapshots.ts'
import type { ExplainParts } from './explain.ts'
import { durationText } from '../features/view.ts'
import { same, show } from './explain-words.ts'
import type { Findings } from './findings.ts'
import type { RecordedPrediction } from './predictions.ts'

export interface ExplainedInputs {
  /** Undefined when nothing could be computed again. */
  recomputed: Recomputed | undefined
  events: ContributingEvent[]
  inputs: ExplainedInput[]
}

export async function explainSnapshot(
  findings: Findings,
  parts: ExplainParts,
  id: number,
): Promise<Snapshot | undefined> {
  try {
    const snapshot = await parts.snapshots.get(id)
    findings.open(id)
    const expired = await parts.snapshots.expiry(id)
    const flaw = await parts.snapshots.flaw(snapshot)
    if (expired !== undefined) {
      findings.alert('missing', flaw!)
      findings.claim('snapshot', 'feature snapshot', `${snapshot.view}, snapshot ${id}`, 'missing', [id, expired], {
        note: 'snapshot expired: the values are computed again from the events, and held against what was served only',
      })
    } else if (flaw) {
      findings.alert('contradicted', flaw)
      findings.claim('snapshot', 'feature snapshot', `${snapshot.view}, snapshot ${id}`, 'contradicted', [id], {
        note: flaw,
      })
    } else {
      findings.claim(
        'snapshot',
        'feature snapshot',
        `${snapshot.view}, snapshot ${id}, at ${snapshot.at}`,
        'recomputed',
        [id],
        {
          note: 'its files have the digests on record',
        },
      )
    }
    return snapshot
  } catch (error) {
    findings.alert('missing', `Feature snapshot ${id} cannot be read: ${Fault.from(error).message}.`)
    findings.claim('snapshot', 'feature snapshot', String(id), 'missing', [])
    return undefined
  }
}

/** What was computed again from the contributing events, each opened, held against what was stored and served. */
export async function explainInputs(
  findings: Findings,
  parts: ExplainParts,
  {
    seq,
    snapshot,
    recomputing,
    prediction,
  }: { seq: number; snapshot: Snapshot; recomputing: Promise<Recomputed>; prediction: RecordedPrediction },
): Promise<ExplainedInputs> {
  let recomputed: Recomputed
  try {
    recomputed = await recomputing
  } catch (error) {
    const why = `The inputs could not be computed again: ${Fault.from(error).message}.`
    findings.alert('contradicted', why)
    findings.claim('input', 'inputs', 'not computed again', 'contradicted', [snapshot.id], { note: why })
    return { recomputed: undefined, events: [], inputs: [] }
  }
  for (const problem of recomputed.problems) {
    findings.alert('contradicted', problem)
    findings.claim('snapshot', 'column files', 'not as the ledger has them', 'contradicted', [snapshot.id], {
      note: problem,
    })
  }
  for (const { seq, problem } of recomputed.damaged) findings.rest(seq, problem)
  const featuresOf = new Map<number, string[]>()
  for (const [feature, seqs] of Object.entries(recomputed.contributors)) {
    for (const seq of seqs) featuresOf.set(seq, [...(featuresOf.get(seq) ?? []), feature])
  }
  const events = recomputed.events
    .filter(({ seq }) => featuresOf.has(seq))
    .map((event) => explainEvent(findings, event, featuresOf.get(event.seq)!))
  const expired = (await parts.snapshots.expiry(snapshot.id)) !== undefined
  if (!recomputed.stored && !expired)
    findings.alert('missing', `Feature snapshot ${snapshot.id} has no row for this person.`)
  const inputs = recomputed.view.features.map((feature) =>
    explainInput(findings, feature, snapshot, prediction, recomputed),
  )
  const computed = new Set(recomputed.view.features.map(({ name }) => name))
  for (const [name, served] of Object.entries(prediction.inputs ?? {}))
    if (!computed.has(name)) inputs.push(servedInput(findings, seq, name, served, snapshot.view))
  return { recomputed, events, inputs }
}

function explainEvent(findings: Findings, event: ReadEvent, features: string[]): ContributingEvent {
  findings.rest(event.seq)
  const again = event.judgedAgain
  const agrees = again.outcome === event.outcome
  const { campaign, creative, audience, platform, consent } = event.found
  findings.claim(
    'event',
    `record ${event.seq}`,
    `${event.outcome} under ${event.entry.refs.contract}`,
    agrees ? 'recomputed' : 'contradicted',
    [event.seq],
    {
      note: agrees ? 'judged again with the same outcome' : `judged again: ${again.outcome}`,
    },
  )
  if (!agrees)
    findings.alert(
      'contradicted',
      `Record ${event.seq} was recorded as ${event.outcome}, but its contract says ${again.outcome}.`,
    )
  const shown: ContributingEvent = {
    seq: event.seq,
    stream: event.entry.stream,
    id: event.id,
    time: formatTime(event.time),
    known: formatTime(event.known),
    knownAsserted: event.knownAsserted,
    contract: event.entry.refs.contract!,
    outcome: event.outcome as ContributingEvent['outcome'],
    failed: event.entry.refs.failed?.split(',') ?? [],
    rules: event.contract.rules.length,
    integrity: 'intact',
    features,
  }
  if (campaign !== undefined) shown.campaign = campaign
  if (creative !== undefined) shown.creative = creative
  if (audience !== undefined) shown.audience = audience
  if (platform !== undefined) shown.platform = platform
  if (consent !== undefined) shown.consent = consent
  return shown
}

function explainInput(
  findings: Findings,
  feature: Recomputed['view']['features'][number],
  snapshot: Snapshot,
  prediction: RecordedPrediction,
  recomputed: Recomputed,
): ExplainedInput {
  const { name, tolerance = 0 } = feature
  const value = recomputed.values[name]
  const stored = recomputed.stored?.[name]
  const served = prediction.inputs?.[name]
  const agree = (other: FeatureValue | undefined): boolean =>
    other === undefined || same(other, value ?? null, tolerance)
  const truth: Truth = value === undefined ? 'missing' : agree(stored) && agree(served) ? 'recomputed' : 'contradicted'
  const events = recomputed.contributors[name] ?? []
  const input: ExplainedInput = { name, truth, events, expression: feature.expr }
  if (value !== undefined) Object.assign(input, { recomputed: value, by: recomputed.by })
  if (stored !== undefined) input.stored = stored
  if (served !== undefined) input.served = served
  if (feature.window !== undefined) input.window = durationText(feature.window)
  if (feature.sentence !== undefined) input.sentence = feature.sentence.replaceAll('{value}', show(value ?? null))
  if (truth === 'contradicted') {
    const which = agree(served) ? `stored as ${show(stored!)}` : `served as ${show(served!)}`
    input.note = `${name} was ${which}; ${events.length} ${events.length === 1 ? 'event recomputes' : 'events recompute'} to ${show(value!)}.`
    findings.alert('contradicted', input.note)
  }
  findings.claim(
    'input',
    name,
    show(value ?? served ?? stored ?? null),
    truth,
    [snapshot.id, ...events],
    input.note ? { note: input.note } : {},
  )
  return input
}

/** An input that no feature of the view computes: it is what the producer says. */
function servedInput(
  findings: Findings,
  seq: number,
  name: string,
  served: FeatureValue,
  view: string,
): ExplainedInput {
  const note = `${name} is no feature of ${view}; it is as the producer says.`
  findings.claim('input', name, show(served), 'asserted', [seq], { note, by: findings.actorOf(seq) })
  return { name, served, truth: 'asserted', events: [], expression: '', note }
}
