// An action as W3C PROV. The prompt template is the plan, the consent receipt is used by the judgement, who approves is
// associated with the review, and taking it back invalidates the output.
import { formatTime } from '../../../record/time.ts'
import type { Micros } from '../../../record/time.ts'
import { provType, ProvWriter, qualified } from '../../lineage/exports/prov-writer.ts'
import type { ProvValues } from '../../lineage/exports/prov-writer.ts'
import type { ActionView, ViewStep } from './view.ts'

/** Of which value this is a statement, and not a finding of ours. */
const ASSERTED = { 'whence:truth': 'asserted' } as const

export function actionProv(view: ActionView): string {
  return [...new ActionDocument(view).text()].join('')
}

class ActionDocument {
  readonly #prov = new ProvWriter()
  readonly #view: ActionView
  /** The output as it stands after the edits so far. */
  #output: string

  constructor(view: ActionView) {
    this.#view = view
    this.#output = this.#name('output')
    const actor = this.#actors()
    this.#proposal(actor)
    this.#judgement()
    // In the order of the log: a review is of the output that stood then.
    const steps: [seq: number, add: () => void][] = [
      ...view.edits.map((edit): [number, () => void] => [edit.seq, () => this.#edit(edit)]),
      ...view.reviews.map((review): [number, () => void] => [review.seq, () => this.#review(review)]),
      ...view.claims.map((claim): [number, () => void] => [claim.seq, () => this.#claim(claim)]),
      ...view.deliveries.map((one): [number, () => void] => [one.seq, () => this.#delivery(one)]),
    ]
    for (const [, add] of steps.toSorted(([a], [b]) => a - b)) add()
    this.#outcomes()
    this.#invalidation()
  }

  text(): Generator<string> {
    return this.#prov.text()
  }

  #name(...parts: string[]): string {
    return qualified('action', String(this.#view.seq), ...parts)
  }

  /** The actor, and who answers for it. */
  #actors(): string {
    const { statement, agent } = this.#view
    const { type, id, configuration } = statement.predicate.actor
    const actor = qualified('agent', type, id)
    this.#prov.put('agent', actor, {
      'prov:type': provType(type === 'user' ? 'prov:Person' : 'prov:SoftwareAgent'),
      'prov:label': id,
      'whence:role': 'proposer',
      ...(configuration === undefined ? {} : { 'whence:configuration': configuration }),
      ...(agent ? { 'whence:file': `${agent.name}@v${agent.version}` } : {}),
    })
    if (agent) {
      const owner = qualified('agent', 'owner', agent.owner)
      this.#prov.put('agent', owner, { 'prov:label': agent.owner, 'whence:role': 'owner' })
      this.#prov.relate('actedOnBehalfOf', {
        'prov:delegate': actor,
        'prov:responsible': owner,
        'prov:activity': this.#name('proposal'),
      })
    }
    return actor
  }

  #proposal(actor: string): void {
    const { statement, decided, shadow } = this.#view
    const { predicate } = statement
    const [{ name: id, digest }] = statement.subject
    const proposal = this.#name('proposal')
    this.#activity(proposal, decided, {
      'prov:label': `${predicate.type} proposed`,
      'whence:environment': predicate.environment,
      'whence:purpose': predicate.purpose,
      'whence:risk': predicate.risk,
      ...(predicate.campaign === undefined ? {} : { 'whence:campaign': predicate.campaign }),
      ...(predicate.channel === undefined ? {} : { 'whence:channel': predicate.channel }),
      ...(shadow ? { 'whence:shadow': 'true' } : {}),
    })
    const plan = this.#plan()
    this.#prov.relate('wasAssociatedWith', {
      'prov:activity': proposal,
      'prov:agent': actor,
      ...(plan === undefined ? {} : { 'prov:plan': plan }),
    })
    this.#prov.put('entity', this.#output, {
      'prov:label': id,
      'whence:kind': 'output',
      'whence:sha256': digest.sha256,
    })
    this.#prov.relate('wasGeneratedBy', {
      'prov:entity': this.#output,
      'prov:activity': proposal,
      'prov:time': formatTime(decided),
    })
    this.#prov.relate('wasAttributedTo', { 'prov:entity': this.#output, 'prov:agent': actor })
    for (const input of this.#inputs()) {
      this.#prov.relate('used', { 'prov:activity': proposal, 'prov:entity': input })
      this.#prov.relate('wasDerivedFrom', {
        'prov:generatedEntity': this.#output,
        'prov:usedEntity': input,
        'prov:activity': proposal,
      })
    }
  }

  #plan(): string | undefined {
    const { prompt } = this.#view.statement.predicate
    if (prompt === undefined) return undefined
    const { template, version, text } = prompt
    const name = template === undefined ? text?.sha256 : version === undefined ? template : `${template}@${version}`
    if (name === undefined) return undefined
    return this.#entity(qualified('prompt', name), {
      'prov:type': provType('prov:Plan'),
      'prov:label': name,
      'whence:kind': template === undefined ? 'prompt' : 'prompt template',
      ...ASSERTED,
    })
  }

  /** What the proposal was made from: found on record, or as the proposer says. */
  #inputs(): string[] {
    const { statement, snapshots, predictions } = this.#view
    const { model, inputs } = statement.predicate
    const found = new Set(snapshots.map(({ seq }) => seq))
    const named: string[] = []
    if (model) {
      const name = model.version === undefined ? model.name : `${model.name}@${model.version}`
      named.push(
        this.#entity(qualified('model', name), {
          'prov:label': name,
          'whence:kind': 'model',
          ...(model.provider === undefined ? {} : { 'whence:provider': model.provider }),
          ...ASSERTED,
        }),
      )
    }
    for (const { seq, view } of snapshots)
      named.push(this.#entity(qualified('snapshot', String(seq)), { 'prov:label': view, 'whence:kind': 'snapshot' }))
    for (const seq of inputs?.snapshots ?? [])
      if (!found.has(seq))
        named.push(this.#entity(qualified('snapshot', String(seq)), { 'whence:kind': 'snapshot', ...ASSERTED }))
    for (const prediction of predictions) named.push(this.#prediction(prediction))
    for (const dataset of inputs?.datasets ?? [])
      named.push(
        this.#entity(qualified('dataset', dataset), { 'prov:label': dataset, 'whence:kind': 'dataset', ...ASSERTED }),
      )
    return [...new Set(named)]
  }

  #prediction({ seq, model, snapshot }: ActionView['predictions'][number]): string {
    const prediction = this.#entity(qualified('prediction', String(seq)), {
      'prov:label': model,
      'whence:kind': 'prediction',
    })
    if (snapshot !== undefined) {
      const from = qualified('snapshot', String(snapshot))
      this.#prov.putNew('entity', from, { 'whence:kind': 'snapshot' })
      this.#prov.relate('wasDerivedFrom', { 'prov:generatedEntity': prediction, 'prov:usedEntity': from })
    }
    return prediction
  }

  #judgement(): void {
    const { recorded, decision, verdicts, consent, statement } = this.#view
    const judgement = this.#name('judgement')
    this.#activity(judgement, recorded, { 'prov:label': 'gates judged' })
    const whence = qualified('agent', 'whence')
    this.#prov.put('agent', whence, {
      'prov:type': provType('prov:SoftwareAgent'),
      'prov:label': 'Whence',
      'whence:role': 'gatekeeper',
    })
    this.#prov.relate('wasAssociatedWith', { 'prov:activity': judgement, 'prov:agent': whence })
    this.#uses(judgement, this.#output)
    for (const verdict of verdicts) {
      this.#uses(
        judgement,
        this.#entity(qualified('policy', verdict.policy), { 'prov:label': verdict.policy, 'whence:kind': 'policy' }),
      )
      const own = this.#entity(this.#name('verdict', verdict.policy, verdict.gate), {
        'prov:label': `${verdict.gate}: ${verdict.outcome}`,
        'whence:kind': 'verdict',
        'whence:gate': verdict.kind,
        'whence:fingerprint': verdict.fingerprint,
        ...(verdict.codes.length > 0 ? { 'whence:findings': verdict.codes.join(' ') } : {}),
        ...(verdict.shadow ? { 'whence:shadow': 'true' } : {}),
      })
      this.#generated(own, judgement, recorded)
    }
    if (consent?.receipt)
      this.#uses(judgement, this.#receipt(consent.receipt.id, { 'whence:version': consent.receipt.version }))
    const believed = statement.predicate.consent?.receipt
    if (believed !== undefined && believed !== consent?.receipt?.id)
      this.#uses(this.#name('proposal'), this.#receipt(believed, ASSERTED))
    this.#decision(this.#name('decision'), judgement, decision, recorded, {
      ...(consent ? { 'whence:consent': consent.code } : {}),
      ...(consent?.basis === undefined ? {} : { 'whence:basis': consent.basis }),
    })
  }

  #receipt(id: string, more: ProvValues): string {
    return this.#entity(qualified('consent-receipt', id), {
      'prov:label': id,
      'whence:kind': 'consent receipt',
      ...more,
    })
  }

  #edit(edit: ActionView['edits'][number]): void {
    const activity = this.#step('edit', edit, 'output edited', 'editor')
    const edited = this.#entity(this.#name('edit', String(edit.seq), 'output'), {
      'whence:kind': 'output',
      'whence:sha256': edit.statement.subject[0].digest.sha256,
    })
    this.#generated(edited, activity, edit.at)
    this.#prov.relate('wasDerivedFrom', {
      'prov:generatedEntity': edited,
      'prov:usedEntity': this.#output,
      'prov:activity': activity,
      'prov:type': provType('prov:Revision'),
    })
    this.#output = edited
  }

  #review(review: ActionView['reviews'][number]): void {
    const activity = this.#step('review', review, 'reviewed', 'approver')
    this.#decision(this.#name('review', String(review.seq), 'decision'), activity, review.outcome, review.at)
  }

  #claim(claim: ActionView['claims'][number]): void {
    const activity = this.#step('claim', claim, 'claimed', 'sender')
    this.#prov.put('activity', activity, {
      ...startedAndEnded(claim.at),
      'prov:label': 'claimed',
      'whence:until': formatTime(claim.until),
    })
  }

  #delivery(delivery: ActionView['deliveries'][number]): void {
    this.#step('delivery', delivery, delivery.outcome, 'sender')
  }

  #outcomes(): void {
    for (const { seq, at, kind } of this.#view.outcomes) {
      const outcome = this.#entity(qualified('event', String(seq)), {
        'prov:label': kind,
        'whence:kind': 'outcome',
        'whence:time': formatTime(at),
      })
      this.#prov.relate('wasInfluencedBy', { 'prov:influencee': outcome, 'prov:influencer': this.#output })
    }
  }

  #invalidation(): void {
    const { invalidated } = this.#view
    if (!invalidated) return
    const activity = this.#step('rollback', invalidated, invalidated.how, 'reverter')
    this.#prov.relate('wasInvalidatedBy', {
      'prov:entity': this.#output,
      'prov:activity': activity,
      'prov:time': formatTime(invalidated.at),
    })
  }

  /** An activity of somebody, about the output as it stands. */
  #step(kind: string, { seq, at, by }: ViewStep, label: string, role: string): string {
    const activity = this.#name(kind, String(seq))
    this.#activity(activity, at, { 'prov:label': label })
    const agent = qualified('agent', role, by)
    this.#prov.put('agent', agent, { 'prov:label': by, 'whence:role': role })
    this.#prov.relate('wasAssociatedWith', { 'prov:activity': activity, 'prov:agent': agent })
    this.#uses(activity, this.#output)
    return activity
  }

  #decision(id: string, activity: string, decision: string, at: Micros, more: ProvValues = {}): void {
    this.#entity(id, { 'prov:label': decision, 'whence:kind': 'decision', ...more })
    this.#generated(id, activity, at)
    this.#prov.relate('wasDerivedFrom', {
      'prov:generatedEntity': id,
      'prov:usedEntity': this.#output,
      'prov:activity': activity,
    })
  }

  #activity(id: string, at: Micros, values: ProvValues): void {
    this.#prov.put('activity', id, { ...startedAndEnded(at), ...values })
  }

  #entity(id: string, values: ProvValues): string {
    this.#prov.put('entity', id, values)
    return id
  }

  #generated(entity: string, activity: string, at: Micros): void {
    this.#prov.relate('wasGeneratedBy', {
      'prov:entity': entity,
      'prov:activity': activity,
      'prov:time': formatTime(at),
    })
  }

  #uses(activity: string, entity: string): void {
    this.#prov.relate('used', { 'prov:activity': activity, 'prov:entity': entity })
  }
}

/** Each step is a moment: that of its record. */
function startedAndEnded(at: Micros): ProvValues {
  return { 'prov:startTime': formatTime(at), 'prov:endTime': formatTime(at) }
}
