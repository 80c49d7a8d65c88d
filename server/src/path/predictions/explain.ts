// Explain: from a prediction back to the events, every step opened, checked and, where it can be, computed again.
import { claimedCheckpoint, toHex } from '@whence/ledger'
import type {
  Anchor,
  Claim,
  ContributingEvent,
  EvidenceRecord,
  ExplainedInput,
  Explanation,
  FeatureValue,
  ModelVersion,
  Snapshot,
  Truth,
} from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { LineageGraph } from '../../record/lineage/graph.ts'
import type { Clock } from '../../record/time.ts'
import { formatTime } from '../../record/time.ts'
import type { ReadEvent } from '../events/event.ts'
import type { Recomputed, Snapshots } from '../features/snapshots.ts'
import { scoreLogistic } from '../models/logistic.ts'
import type { Models } from '../models/models.ts'
import { predictionOf } from './predictions.ts'
import type { Predictions, RecordedPrediction } from './predictions.ts'
import { upstreamLineage } from './upstream.ts'

export interface ExplainParts {
  ledger: Ledger
  models: Models
  snapshots: Snapshots
  predictions: Predictions
  graph: LineageGraph
  clock: Clock
  /** The last time that somebody else was given the checkpoint. */
  anchored(): Promise<Anchor | undefined>
}

type Alert = Explanation['alerts'][number]

/** Explains a prediction. Throws `not_found`; everything else that is wrong is part of the answer. */
export async function explain(parts: ExplainParts, id: string, asOf?: number): Promise<Explanation> {
  const head = parts.ledger.size
  if (asOf !== undefined && asOf > head)
    throw new Fault('invalid', `position ${asOf} is in the future: the log ends at ${head}`)
  const seq = await parts.predictions.locate(id)
  if (asOf !== undefined && seq >= asOf)
    throw new Fault('not_found', `"${id}" was recorded at ${seq}, which is not before ${asOf}`)
  const explanation = new Inquiry(parts, id, seq, asOf)
  return explanation.run()
}

/** One question being answered: claims and evidence gather as the chain is walked. */
class Inquiry {
  readonly #parts: ExplainParts
  readonly #id: string
  readonly #seq: number
  readonly #asOf: number | undefined
  readonly #claims: Claim[] = []
  readonly #alerts: Alert[] = []
  readonly #evidence = new Map<number, string | undefined>()
  #events: ContributingEvent[] = []
  #inputs: ExplainedInput[] = []

  constructor(parts: ExplainParts, id: string, seq: number, asOf: number | undefined) {
    this.#parts = parts
    this.#id = id
    this.#seq = seq
    this.#asOf = asOf
  }

  async run(): Promise<Explanation> {
    const { ledger } = this.#parts
    const entry = ledger.entry(this.#seq)
    let prediction: RecordedPrediction | undefined
    let subject: string | undefined
    let time = entry.time
    let erased = false
    try {
      const opened = ledger.open(this.#seq)
      if (opened.state === 'open') {
        prediction = predictionOf(opened)
        subject = opened.subject
        time = String(opened.header.time)
      } else {
        erased = true
      }
      this.#rest(this.#seq)
    } catch (error) {
      this.#rest(this.#seq, Fault.from(error).message)
    }

    const model = await this.#model(entry.refs.model!)
    const snapshot = entry.refs.snapshot === undefined ? undefined : await this.#snapshot(Number(entry.refs.snapshot))
    let recomputed: Recomputed | undefined
    if (prediction && subject !== undefined && snapshot) recomputed = await this.#retrace(snapshot, subject, prediction)
    else if (prediction) this.#alert('missing', 'No feature snapshot is named: the inputs are as the producer says.')

    const score = this.#score(prediction, model, recomputed, erased)
    const reasons = this.#reasons(prediction, model, recomputed, erased)
    for (const reason of reasons) {
      const input = this.#inputs.find(({ name }) => name === reason.feature)
      if (input) input.contribution = reason.contribution
    }
    this.#consent(erased)
    if (erased)
      this.#alert('erased', 'The person was erased on request: inputs, score and events can no longer be read.')
    const records = await this.#records()
    const { origin, size, root } = claimedCheckpoint(ledger.checkpoint)
    const anchored = await this.#parts.anchored()
    const who = this.#who(prediction, recomputed)
    const explanation: Explanation = {
      id: prediction?.id ?? this.#id,
      seq: this.#seq,
      sentence: this.#sentence(who, prediction, model, score, reasons, erased),
      alerts: this.#alerts,
      score,
      entityType: recomputed?.view.entity ?? 'customer',
      time,
      model: modelSummary(entry.refs.model!, model, ledger),
      reasons,
      inputs: this.#inputs,
      events: this.#events,
      claims: this.#claims,
      counts: countTruths(this.#claims),
      records,
      checkpoint: { origin, size, root: toHex(root) },
      asOf: this.#asOf ?? ledger.size,
    }
    const lineage = await upstreamLineage(
      this.#parts.graph,
      [`model:${entry.refs.model}`, ...(snapshot ? [`view:${snapshot.view}`] : [])],
      { asOf: this.#asOf, now: this.#parts.clock.now() },
    )
    if (lineage) explanation.lineage = lineage
    if (model) explanation.predicts = model.predicts
    if (who !== undefined) explanation.entity = who
    if (prediction?.about) explanation.about = prediction.about
    if (snapshot) explanation.snapshot = { id: snapshot.id, view: snapshot.view, at: snapshot.at, asOf: snapshot.asOf }
    if (anchored?.independent && this.#known(anchored.seq))
      explanation.anchored = { time: anchored.time, where: anchored.where, size: anchored.size }
    return explanation
  }

  /** Notes a record that the answer rests on, and what is wrong with it. */
  #rest(seq: number, problem?: string): void {
    this.#evidence.set(seq, this.#evidence.get(seq) ?? problem)
    if (problem !== undefined) this.#alert('contradicted', `Record ${seq} is altered: ${problem}.`)
  }

  /** Whether a record was there at the position asked for. */
  #known(seq: number | undefined): boolean {
    return this.#asOf === undefined || seq === undefined || seq < this.#asOf
  }

  #claim(
    subject: Claim['subject'],
    name: string,
    value: string,
    truth: Truth,
    records: number[],
    more: { note?: string; by?: string } = {},
  ): void {
    this.#claims.push({ subject, name, value, truth, records, ...more })
  }

  #alert(truth: Truth, text: string): void {
    this.#alerts.push({ truth, text })
  }

  async #model(name: string): Promise<ModelVersion | undefined> {
    let model: ModelVersion
    try {
      model = await this.#parts.models.get(name)
      this.#open(model.seq)
    } catch (error) {
      this.#alert('missing', `Model version ${name} cannot be read: ${Fault.from(error).message}.`)
      this.#claim('model', 'model', name, 'missing', [])
      return undefined
    }
    const by = this.#actorOf(model.seq)
    this.#claim('model', 'model', name, 'asserted', [model.seq], { by })
    const { run, trainingSet } = model
    if (run) {
      this.#claim('model', 'training run', run.id, 'asserted', [model.seq], { by })
      if (run.code)
        this.#claim(
          'code',
          'code',
          run.code.commit ?? run.code.sha256 ?? run.code.repository ?? 'named',
          'asserted',
          [model.seq],
          { by },
        )
    }
    if (!run?.code) {
      this.#alert('missing', `No code is recorded for model version ${name}.`)
      this.#claim('code', 'code', 'not recorded', 'missing', [])
    }
    if (trainingSet === undefined) {
      this.#alert('missing', `No training set is recorded for model version ${name}.`)
      this.#claim('training', 'training set', 'not recorded', 'missing', [])
    } else await this.#trainingSet(trainingSet)
    return model
  }

  async #trainingSet(id: string): Promise<void> {
    const set = await this.#parts.snapshots.findTrainingSet(id)
    if (!set || !this.#known(set.seq)) {
      this.#alert('missing', `Training set ${id} is not on the ledger.`)
      this.#claim('training', 'training set', id, 'missing', [])
      return
    }
    this.#open(set.seq)
    const flaw = await this.#parts.snapshots.trainingSetFlaw(set)
    if (flaw) {
      this.#alert('contradicted', flaw)
      this.#claim('training', 'training set', id, 'contradicted', [set.seq], { note: flaw })
    } else {
      this.#claim('training', 'training set', `${id}: ${set.rows.toLocaleString('en')} rows`, 'recomputed', [set.seq], {
        note: 'the digest of all its rows was computed again and equals the one on record; the join itself was not run again',
      })
    }
  }

  async #snapshot(id: number): Promise<Snapshot | undefined> {
    try {
      const snapshot = await this.#parts.snapshots.get(id)
      this.#open(id)
      const flaw = await this.#parts.snapshots.flaw(snapshot)
      if (flaw) {
        this.#alert('contradicted', flaw)
        this.#claim('snapshot', 'feature snapshot', `${snapshot.view}, snapshot ${id}`, 'contradicted', [id], {
          note: flaw,
        })
      } else {
        this.#claim(
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
      this.#alert('missing', `Feature snapshot ${id} cannot be read: ${Fault.from(error).message}.`)
      this.#claim('snapshot', 'feature snapshot', String(id), 'missing', [])
      return undefined
    }
  }

  /** Selects the contributing events again, opens each, and computes every input from them. */
  async #retrace(snapshot: Snapshot, subject: string, prediction: RecordedPrediction): Promise<Recomputed | undefined> {
    let recomputed: Recomputed
    try {
      recomputed = await this.#parts.snapshots.recompute(snapshot, subject)
    } catch (error) {
      const why = `The inputs could not be computed again: ${Fault.from(error).message}.`
      this.#alert('contradicted', why)
      this.#claim('input', 'inputs', 'not computed again', 'contradicted', [snapshot.id], { note: why })
      return undefined
    }
    for (const problem of recomputed.problems) {
      this.#alert('contradicted', problem)
      this.#claim('snapshot', 'column files', 'not as the ledger has them', 'contradicted', [snapshot.id], {
        note: problem,
      })
    }
    for (const { seq, problem } of recomputed.damaged) this.#rest(seq, problem)
    const featuresOf = new Map<number, string[]>()
    for (const [feature, seqs] of Object.entries(recomputed.contributors)) {
      for (const seq of seqs) featuresOf.set(seq, [...(featuresOf.get(seq) ?? []), feature])
    }
    this.#events = recomputed.events
      .filter(({ seq }) => featuresOf.has(seq))
      .map((event) => this.#event(event, featuresOf.get(event.seq)!))
    if (!recomputed.stored) this.#alert('missing', `Feature snapshot ${snapshot.id} has no row for this person.`)
    for (const feature of recomputed.view.features) {
      this.#inputs.push(this.#input(feature, snapshot, prediction, recomputed))
    }
    const computed = new Set(recomputed.view.features.map(({ name }) => name))
    for (const [name, served] of Object.entries(prediction.inputs ?? {}))
      if (!computed.has(name)) this.#inputs.push(this.#served(name, served, snapshot.view))
    return recomputed
  }

  #event(event: ReadEvent, features: string[]): ContributingEvent {
    this.#rest(event.seq)
    const again = event.judgedAgain
    const agrees = again.outcome === event.outcome
    const { campaign, creative, audience, platform, consent } = event.found
    this.#claim(
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
      this.#alert(
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

  #input(
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
    const truth: Truth =
      value === undefined ? 'missing' : agree(stored) && agree(served) ? 'recomputed' : 'contradicted'
    const events = recomputed.contributors[name] ?? []
    const input: ExplainedInput = { name, truth, events, expression: feature.expr }
    if (value !== undefined) input.recomputed = value
    if (stored !== undefined) input.stored = stored
    if (served !== undefined) input.served = served
    if (feature.window !== undefined) input.window = windowText(feature.window)
    if (feature.sentence !== undefined) input.sentence = feature.sentence.replaceAll('{value}', show(value ?? null))
    if (truth === 'contradicted') {
      const which = agree(served) ? `stored as ${show(stored!)}` : `served as ${show(served!)}`
      input.note = `${name} was ${which}; ${events.length} ${events.length === 1 ? 'event recomputes' : 'events recompute'} to ${show(value!)}.`
      this.#alert('contradicted', input.note)
    }
    this.#claim(
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
  #served(name: string, served: FeatureValue, view: string): ExplainedInput {
    const note = `${name} is no feature of ${view}; it is as the producer says.`
    this.#claim('input', name, show(served), 'asserted', [this.#seq], { note, by: this.#actorOf(this.#seq) })
    return { name, served, truth: 'asserted', events: [], expression: '', note }
  }

  #score(
    prediction: RecordedPrediction | undefined,
    model: ModelVersion | undefined,
    recomputed: Recomputed | undefined,
    erased: boolean,
  ): Explanation['score'] {
    if (!prediction) {
      this.#claim('decision', 'score', erased ? 'erased' : 'unreadable', erased ? 'erased' : 'missing', [this.#seq])
      return { truth: erased ? 'erased' : 'missing' }
    }
    const stored = prediction.score
    const values = recomputed?.values
    if (!model?.model || !values) {
      const note = model?.model
        ? 'its inputs could not be computed again'
        : 'the form of the model is not one that Whence can score'
      this.#claim('decision', 'score', show(stored), 'asserted', [this.#seq], { note, by: this.#actorOf(this.#seq) })
      return { stored, truth: 'asserted' }
    }
    const { score } = scoreLogistic(model.model, values)
    const agrees = Math.abs(score - stored) <= (model.tolerance ?? 1e-12)
    if (!agrees)
      this.#alert('contradicted', `The score was given as ${show(stored)}; model and inputs give ${show(score)}.`)
    this.#claim('decision', 'score', show(stored), agrees ? 'recomputed' : 'contradicted', [this.#seq, model.seq])
    return { stored, recomputed: score, truth: agrees ? 'recomputed' : 'contradicted' }
  }

  #reasons(
    prediction: RecordedPrediction | undefined,
    model: ModelVersion | undefined,
    recomputed: Recomputed | undefined,
    erased: boolean,
  ): Explanation['reasons'] {
    const byWeight = (a: { contribution: number }, b: { contribution: number }): number =>
      Math.abs(b.contribution) - Math.abs(a.contribution)
    const stated = new Map((prediction?.reasons ?? []).map(({ feature, contribution }) => [feature, contribution]))
    const truths: Explanation['reasons'] = []
    if (model?.model && recomputed) {
      for (const { feature, contribution } of scoreLogistic(model.model, recomputed.values).contributions) {
        const said = stated.get(feature)
        const agrees = said === undefined || Math.abs(said - contribution) <= Math.max(1e-9, model.tolerance ?? 0)
        const truth: Truth = agrees ? 'recomputed' : 'contradicted'
        truths.push({ feature, contribution, truth })
        if (!agrees)
          this.#alert(
            'contradicted',
            `The reason ${feature} was given as ${signed(said)}; it is ${signed(contribution)}.`,
          )
        this.#claim('reason', feature, signed(contribution), truth, [this.#seq, model.seq])
        stated.delete(feature)
      }
      for (const [feature, contribution] of stated) {
        truths.push({ feature, contribution, truth: 'contradicted' })
        this.#alert(
          'contradicted',
          `The reason ${feature} was given as ${signed(contribution)}; the model has no such feature.`,
        )
        this.#claim('reason', feature, signed(contribution), 'contradicted', [this.#seq, model.seq])
      }
    } else if (stated.size > 0) {
      for (const [feature, contribution] of stated) {
        truths.push({ feature, contribution, truth: 'asserted' })
        this.#claim('reason', feature, signed(contribution), 'asserted', [this.#seq], { by: this.#actorOf(this.#seq) })
      }
    } else {
      this.#claim('reason', 'reasons', 'none', erased ? 'erased' : 'missing', [])
    }
    return truths.sort(byWeight)
  }

  /** Consent receipts are not kept yet: what the events say is shown, and what is missing is said. */
  #consent(erased: boolean): void {
    if (erased) return
    this.#alert('missing', 'No consent receipt for profiling is known for this person.')
    this.#claim('consent', 'consent', 'no receipt for purpose "profiling"', 'missing', [])
    const flags = new Map<string, number[]>()
    for (const event of this.#events) {
      if (event.consent !== undefined)
        flags.set(String(event.consent), [...(flags.get(String(event.consent)) ?? []), event.seq])
    }
    for (const [flag, seqs] of flags) {
      this.#claim(
        'consent',
        'consent flag of the events',
        `${flag} in ${seqs.length} of ${this.#events.length}`,
        'asserted',
        seqs,
        { by: this.#actorOf(seqs[0]!) },
      )
    }
  }

  #open(seq: number): void {
    try {
      this.#parts.ledger.open(seq)
      this.#rest(seq)
    } catch (error) {
      this.#rest(seq, Fault.from(error).message)
    }
  }

  #actorOf(seq: number): string {
    const { source, actor } = this.#parts.ledger.entry(seq)
    return `${source} (key ${actor})`
  }

  /** Checks every record that the answer rests on in the signed tree, and gives each claim its integrity. */
  async #records(): Promise<EvidenceRecord[]> {
    const { ledger } = this.#parts
    const seqs = [...this.#evidence.keys()].sort((a, b) => a - b)
    if (seqs.some((seq) => seq >= ledger.published)) await ledger.publish()
    const records = seqs.map((seq): EvidenceRecord => {
      const { leaf, recorded } = ledger.receiptOf(seq)
      const { kind, actor } = ledger.entry(seq)
      let problem = this.#evidence.get(seq)
      if (problem === undefined && !ledger.provedIn(seq)) {
        problem = 'its entry is not under the root of the signed checkpoint'
        this.#alert('contradicted', `Record ${seq} is altered: ${problem}.`)
      }
      const record: EvidenceRecord = {
        seq,
        kind,
        leaf,
        recorded,
        actor,
        integrity: problem === undefined ? 'intact' : 'altered',
      }
      if (problem !== undefined) record.problem = problem
      return record
    })
    const altered = new Set(records.filter(({ integrity }) => integrity === 'altered').map(({ seq }) => seq))
    for (const claim of this.#claims) {
      if (claim.records.length > 0)
        claim.integrity = claim.records.some((seq) => altered.has(seq)) ? 'altered' : 'intact'
    }
    for (const event of this.#events) if (altered.has(event.seq)) event.integrity = 'altered'
    return records
  }

  #who(prediction: RecordedPrediction | undefined, recomputed: Recomputed | undefined): string | undefined {
    return prediction?.entity ?? recomputed?.events.find((event) => event.found.subject !== undefined)?.found.subject
  }

  #sentence(
    who: string | undefined,
    prediction: RecordedPrediction | undefined,
    model: ModelVersion | undefined,
    score: Explanation['score'],
    reasons: Explanation['reasons'],
    erased: boolean,
  ): string {
    if (erased) return `What was decided in "${this.#id}" can no longer be read: the person was erased on request.`
    if (!prediction) return `The record of "${this.#id}" cannot be read as it was written.`
    const name = who === undefined ? 'This person' : `Customer ${who}`
    const what = model ? ` for "${model.predicts}"` : ''
    // Only what moved the score to the side on which it ended is a reason for it.
    const side = Math.sign(reasons.reduce((sum, { contribution }) => sum + contribution, 0))
    const top = reasons
      .filter(({ contribution }) => Math.sign(contribution) === side && side !== 0)
      .slice(0, 3)
      .flatMap(
        ({ feature }) =>
          this.#inputs.find((input) => input.name === feature && input.truth === 'recomputed')?.sentence ?? [],
      )
      .slice(0, 2)
    const because = top.length > 0 ? ` mainly because they ${top.join(' and ')}` : ''
    const count = this.#events.length
    const check =
      score.truth === 'recomputed' &&
      this.#inputs.every(({ truth, expression }) => truth === 'recomputed' || expression === '')
        ? ` Score and inputs were recomputed from ${count} ${count === 1 ? 'event' : 'events'} and agree.`
        : score.truth === 'contradicted' || this.#inputs.some(({ truth }) => truth === 'contradicted')
          ? ' What was recorded contradicts what the events give.'
          : ' The score is as the producer says; it was not recomputed.'
    return `${name} scored ${prediction.score.toFixed(2)}${what}${because}.${check}`
  }
}

function modelSummary(name: string, model: ModelVersion | undefined, ledger: Ledger): Explanation['model'] {
  const summary: Explanation['model'] = { name }
  if (!model) return summary
  summary.seq = model.seq
  summary.by = ledger.entry(model.seq).source
  if (model.run) summary.run = model.run.id
  const code = model.run?.code
  if (code) summary.code = code.commit ?? code.sha256 ?? code.repository ?? ''
  if (model.trainingSet !== undefined) summary.trainingSet = model.trainingSet
  if (model.metrics) summary.metrics = model.metrics
  return summary
}

function countTruths(claims: readonly Claim[]): Explanation['counts'] {
  const counts = { recomputed: 0, asserted: 0, contradicted: 0, missing: 0, erased: 0 }
  for (const { truth } of claims) counts[truth]++
  return counts
}

/** Whether two values are the same; numbers may differ by the tolerance that their feature declares. */
export function same(a: FeatureValue, b: FeatureValue, tolerance = 0): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a === b || Math.abs(a - b) <= tolerance
  return a === b
}

function show(value: FeatureValue): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value ?? 'none')
  return String(Number(value.toPrecision(4)))
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`
}

function windowText(micros: number): string {
  const units: [string, number][] = [
    ['d', 86_400_000_000],
    ['h', 3_600_000_000],
    ['m', 60_000_000],
    ['s', 1_000_000],
  ]
  const [unit, size] = units.find(([, size]) => micros % size === 0) ?? ['s', 1_000_000]
  return `${micros / size}${unit}`
}
