// Cedar: who may do what, when, to whom, how often. What no policy permits is denied, and a policy that cannot be
// evaluated is never passed over.
import type { ActionProposal } from '@whence/sdk'
import type { GateOf } from '../chain.ts'
import type { Gate, GateFacts } from '../gate.ts'
import { cedar, prepare, withCedar } from './cedar-policies.ts'
import { seen } from './finding.ts'
import { localTime } from './local-time.ts'
import type { LocalTime } from './local-time.ts'

type Value = string | number | boolean | { __extn: { fn: string; arg: string } }

const principals = { agent: 'Agent', user: 'User', service: 'Service' }

export function cedarGate(gate: GateOf<'cedar'>): Gate {
  let prepared = prepare(gate)
  return ({ facts }) => {
    const { proposal } = facts
    if (prepared.instance !== cedar()) prepared = prepare(gate)
    const { id, reasons } = prepared
    const zone = zoneOf(gate, proposal)
    const now = zone === undefined ? undefined : localTime(facts.at, zone)
    if (zone === undefined || now === undefined)
      return seen([
        { code: 'cedar.time_zone', message: `${gate.timeZoneFrom} is no time zone, so no policy can tell the hour` },
      ])
    const sends = Object.fromEntries(Object.entries(gate.sends).map(([name, window]) => [name, facts.sends(window)]))
    const answer = authorize(id, facts, { sends, labels: labelsOf(gate, proposal), ...now })
    const inputs = { timeZone: zone, ...now, sends }
    if (answer.type === 'failure')
      return seen(
        [{ code: 'cedar.error', message: `no answer: ${answer.errors.map(({ message }) => message).join('; ')}` }],
        inputs,
      )
    const { decision, diagnostics } = answer.response
    const policies = diagnostics.reason.toSorted()
    const because = { ...inputs, decision, policies }
    const failed = diagnostics.errors.map(({ policyId, error }) => ({
      code: 'cedar.error',
      message: `policy ${policyId} could not be evaluated: ${error.message}`,
    }))
    if (decision === 'allow') return seen(failed, because)
    if (policies.length === 0)
      return seen([{ code: 'cedar.not_permitted', message: 'no policy permits it' }, ...failed], because)
    const denied = policies.map((policy) => ({
      code: `cedar.${policy}`,
      message: reasons.get(policy) ?? `policy ${policy} forbids it`,
    }))
    return seen([...denied, ...failed], because)
  }
}

function authorize(
  id: string,
  { proposal, consent }: GateFacts,
  told: LocalTime & { sends: Record<string, number>; labels: Record<string, Value> },
) {
  const { actor, campaign = '', type, environment, purpose, risk, segments = [] } = proposal
  const principal = { type: principals[actor.type], id: clean(actor.id) }
  const resource = { type: 'Campaign', id: clean(campaign) }
  const call = {
    principal,
    action: { type: 'Action', id: type },
    resource,
    context: {
      environment: clean(environment),
      purpose: clean(purpose),
      risk,
      segments: segments.map(clean),
      ...optional('channel', proposal.channel),
      ...optional('creative', proposal.creative),
      ...optional('jurisdiction', proposal.jurisdiction),
      ...optional('model', proposal.model && [proposal.model.name, proposal.model.version].filter(Boolean).join('@')),
      ...optional('template', proposal.prompt?.template),
      ...(consent ? { consent: { code: consent.code, ...optional('basis', consent.basis) } } : {}),
      ...told,
    },
    entities: [
      {
        uid: principal,
        attrs: { id: clean(actor.id), ...optional('configuration', actor.configuration) },
        parents: [],
      },
      { uid: resource, attrs: { name: clean(campaign) }, parents: [] },
    ],
    preparsedPolicySetId: id,
    preparsedSchemaName: id,
    validateRequest: true,
  }
  return withCedar(({ statefulIsAuthorized }) => statefulIsAuthorized(call))
}

/** Half a surrogate pair is no text to Cedar. */
const clean = (text: string): string => text.toWellFormed()

const optional = (name: string, text: string | undefined): Record<string, string> =>
  text === undefined ? {} : { [name]: clean(text) }

function labelOf({ output, targeting, inputs }: ActionProposal, name: string): unknown {
  for (const labels of [output?.value, targeting, inputs?.features])
    if (labels && Object.hasOwn(labels, name)) return labels[name]
  return undefined
}

/** The labels that policies read, in their types. One of another type is as good as absent: `has` says so. */
function labelsOf({ labels }: GateOf<'cedar'>, proposal: ActionProposal): Record<string, Value> {
  const read: Record<string, Value> = {}
  for (const [name, type] of Object.entries(labels)) {
    const value = labelOf(proposal, name)
    if (type === 'string' && typeof value === 'string') read[name] = clean(value)
    else if (type === 'boolean' && typeof value === 'boolean') read[name] = value
    else if (type === 'long' && Number.isSafeInteger(value)) read[name] = value as number
    else if (type === 'decimal' && typeof value === 'number' && Math.abs(value) < 9e14)
      read[name] = { __extn: { fn: 'decimal', arg: value.toFixed(4) } }
  }
  return read
}

function zoneOf({ timeZone, timeZoneFrom }: GateOf<'cedar'>, proposal: ActionProposal): string | undefined {
  const named = timeZoneFrom === undefined ? undefined : labelOf(proposal, timeZoneFrom)
  if (named === undefined || named === null) return timeZone
  return typeof named === 'string' ? named : undefined
}
