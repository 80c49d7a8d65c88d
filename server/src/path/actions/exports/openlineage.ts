// An action as an event of OpenLineage: a run of the agent's job, with what it was made from as its inputs, and with a
// facet of ours for what became of it (docs/spec/facets/WhenceActionFacet.json). Nothing in it is about a person, since
// collectors keep events in clear.
import { statementDigest } from '@whence/sdk'
import { hash } from 'node:crypto'
import { formatTime } from '../../../record/time.ts'
import { facetSchema } from '../../../rules/lineage/own-facets.ts'
import type { ActionView } from './view.ts'

const SCHEMA = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'
const PRODUCER = 'urn:whence'
/** Of what only actions name. What is on record stands in the namespace `whence`, as everywhere. */
const NAMESPACE = 'whence.actions'

const states = { released: 'COMPLETE', held: 'RUNNING', refused: 'ABORT' } as const

interface Dataset {
  namespace: string
  name: string
  facets: Record<string, object>
}

export interface ActionEvent {
  eventType: 'COMPLETE' | 'RUNNING' | 'ABORT'
  eventTime: string
  producer: string
  schemaURL: string
  run: { runId: string; facets: Record<string, object> }
  job: { namespace: string; name: string; facets: Record<string, object> }
  inputs: Dataset[]
  outputs: Dataset[]
}

/** `origin` is the log's name: with the position it makes the run's id, the same at every export. */
export function actionOpenLineage(view: ActionView, origin: string): ActionEvent {
  const { statement, agent } = view
  const { actor } = statement.predicate
  const final = view.reviews
    .flatMap(({ seq, at, outcome }) => (outcome === 'approved' ? [] : [{ seq, at, outcome }]))
    .toSorted((a, b) => a.seq - b.seq)
    .at(-1)
  const decision = final?.outcome ?? view.decision
  return {
    eventType: states[decision],
    eventTime: formatTime(final?.at ?? view.recorded),
    producer: PRODUCER,
    schemaURL: SCHEMA,
    run: { runId: runId(origin, view.seq), facets: runFacets(view, decision) },
    job: {
      namespace: NAMESPACE,
      name: [actor.type, actor.id, ...(actor.configuration === undefined ? [] : [actor.configuration])].join('/'),
      facets: {
        jobType: standard('2-0-4', 'JobTypeJobFacet', {
          processingType: 'BATCH',
          integration: 'WHENCE',
          jobType: 'ACTION',
        }),
        ...(agent ? { ownership: standard('1-0-1', 'OwnershipJobFacet', { owners: [{ name: agent.owner }] }) } : {}),
      },
    },
    inputs: inputsOf(view),
    outputs: decision === 'released' && !view.shadow ? [outputOf(view)] : [],
  }
}

function runFacets(view: ActionView, decision: string): Record<string, object> {
  const { statement, seq, verdicts, consent, shadow, invalidated } = view
  const { predicate } = statement
  const { campaign, creative, channel, model, prompt } = predicate
  return {
    ...(campaign === undefined
      ? {}
      : {
          whence_campaignContext: own('WhenceCampaignContextFacet', {
            campaignId: campaign,
            ...(creative === undefined ? {} : { creativeId: creative }),
            ...(channel === undefined ? {} : { channel }),
          }),
        }),
    whence_action: own('WhenceActionFacet', {
      record: seq,
      type: predicate.type,
      decision,
      statement: statementDigest(statement),
      environment: predicate.environment,
      purpose: predicate.purpose,
      risk: predicate.risk,
      ...(shadow ? { shadow: true } : {}),
      ...(model ? { model: versioned(model.name, model.version) } : {}),
      ...(prompt?.template === undefined ? {} : { prompt: versioned(prompt.template, prompt.version) }),
      ...(consent ? { consent: consent.code } : {}),
      gates: verdicts.map(({ gate, policy, outcome, shadow, codes }) => ({
        gate,
        policy,
        outcome,
        ...(shadow ? { shadow: true } : {}),
        ...(codes.length > 0 ? { findings: [...codes] } : {}),
      })),
      ...(view.reviews.length > 0 ? { approvals: view.reviews.map(({ by, outcome }) => ({ by, outcome })) } : {}),
      ...(view.outcomes.length > 0 ? { outcomes: countsOf(view.outcomes) } : {}),
      ...(invalidated ? { invalidated: invalidated.how } : {}),
    }),
  }
}

/** How often each kind of outcome came of it. */
function countsOf(outcomes: ActionView['outcomes']): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

function inputsOf(view: ActionView): Dataset[] {
  const { snapshots, predictions, statement } = view
  const all: Dataset[] = [
    ...snapshots.map(({ seq, view }) => dataset('whence', `view/${view}`, String(seq))),
    ...predictions.map(({ model }) => dataset('whence', `model/${model}`)),
    ...(statement.predicate.inputs?.datasets ?? []).map((name) => {
      const at = name.lastIndexOf('@')
      return at > 0 && at < name.length - 1
        ? dataset(NAMESPACE, name.slice(0, at), name.slice(at + 1))
        : dataset(NAMESPACE, name)
    }),
  ]
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
}

/** What was released: the actions of one environment, type and channel are a dataset, and each is a version of it. */
function outputOf({ statement, seq }: ActionView): Dataset {
  const { environment, type, channel } = statement.predicate
  return dataset(
    NAMESPACE,
    ['out', environment, type, ...(channel === undefined ? [] : [channel])].join('/'),
    String(seq),
  )
}

function dataset(namespace: string, name: string, version?: string): Dataset {
  const facet =
    version === undefined ? undefined : standard('1-0-1', 'DatasetVersionDatasetFacet', { datasetVersion: version })
  return { namespace, name, facets: facet ? { version: facet } : {} }
}

function standard(version: string, name: string, members: object): object {
  const schema = `https://openlineage.io/spec/facets/${version}/${name}.json#/$defs/${name}`
  return { _producer: PRODUCER, _schemaURL: schema, ...members }
}

function own(name: string, members: object): object {
  return { _producer: PRODUCER, _schemaURL: facetSchema(name), ...members }
}

function versioned(name: string, version: string | undefined): string {
  return version === undefined ? name : `${name}@${version}`
}

/** A UUID of version 8 (RFC 9562): 122 bits of a digest. */
function runId(origin: string, seq: number): string {
  const digest = Buffer.from(hash('sha256', `whence action ${origin} ${seq}`, 'buffer').subarray(0, 16))
  digest[6] = (digest[6]! & 0x0f) | 0x80
  digest[8] = (digest[8]! & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
