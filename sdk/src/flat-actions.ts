// An action as one flat record, as systems write it that know nothing of Whence: taken as it is, and read as a proposal.
import { z } from 'zod'
import { ActionProposal, ActionType, Actor } from './actions.ts'
import type { FeatureValue } from './features.ts'
import { readRefs } from './input-refs.ts'
import { Name, Time } from './time.ts'

const Short = z.string().min(1).max(200)
/** A member that is null says nothing. */
const perhaps = <S extends z.ZodType>(schema: S) => schema.nullish()

const HASH = /^(?:sha-?256[:=-])?([0-9a-f]{64})$/i

export const FlatAction = z.strictObject({
  action_id: ActionProposal.shape.id,
  timestamp: perhaps(Time),
  action_type: perhaps(ActionType).describe('default: send'),
  actor: z.strictObject({ type: Actor.shape.type, id: Name, configuration: perhaps(Short) }),
  campaign_id: perhaps(Short),
  channel: perhaps(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/)),
  purpose: perhaps(Name),
  environment: perhaps(Name),
  model: perhaps(
    z.strictObject({
      name: Short,
      version: perhaps(Short),
      provider: perhaps(Short),
      config: perhaps(z.record(z.string().max(200), z.unknown())),
    }),
  ),
  prompt: perhaps(z.string().max(1_000_000)).describe('its text, of which the digest is kept; or sha256:…'),
  input_refs: perhaps(z.array(z.string().min(1).max(512)).max(1000)).describe('NAME:VALUE'),
  output: perhaps(
    z.strictObject({
      content_hash: perhaps(z.string().regex(HASH, 'must be a SHA-256 in hex, with "sha256:" before it or not')),
      artifact_id: perhaps(Short),
    }),
  ),
  consent: perhaps(
    z.strictObject({
      consent_receipt_id: perhaps(Short),
      consent_version: perhaps(z.union([Short, z.number()])),
      opt_out: perhaps(z.boolean()),
    }),
  ),
  policy: perhaps(
    z.strictObject({
      pii_detected: perhaps(z.boolean()),
      prohibited_terms: perhaps(z.array(z.string().max(200)).max(1000)),
    }),
  ),
  lineage: perhaps(
    z.strictObject({
      upstream_event_ids: perhaps(z.array(z.string().min(1).max(512)).max(1000)),
      prov_model: perhaps(Short),
    }),
  ),
  integrity: perhaps(z.strictObject({ signature: perhaps(z.string().max(8192)), signature_key_id: perhaps(Short) })),
})
export type FlatAction = z.input<typeof FlatAction>

/** A proposal, or a flat record that is read as one. What is wrong with a record is told by its own names. */
export const ProposedAction = z.preprocess((given, context) => {
  if (!isFlat(given)) return given
  const read = FlatAction.safeParse(given)
  const problems = read.success ? [] : read.error.issues.map(({ path, message }) => ({ path: [...path], message }))
  const made = read.success ? proposalOfFlat(read.data) : undefined
  if (made !== undefined && 'problem' in made) problems.push(made.problem)
  for (const { path, message } of problems) context.addIssue({ code: 'custom', path, message })
  return made !== undefined && 'proposal' in made ? made.proposal : z.NEVER
}, ActionProposal)

export const ProposedBatch = z.object({ actions: z.array(ProposedAction).min(1).max(1000) })

function isFlat(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'action_id' in given && !('id' in given)
}

/** What a record asserts of its own checks is kept as that; nothing here makes a gate believe it. */
export function proposalOfFlat(
  flat: z.output<typeof FlatAction>,
): { proposal: z.input<typeof ActionProposal> } | { problem: { path: (string | number)[]; message: string } } {
  const { actor, model, prompt, output, consent, policy, lineage, integrity } = flat
  const refs = readRefs(flat.input_refs ?? [])
  if ('message' in refs) return { problem: { path: ['input_refs', refs.at], message: refs.message } }
  const { person, profile, datasets, snapshots, predictions, refs: others } = refs
  const type = flat.action_type ?? 'send'
  if (type === 'send' && person === undefined)
    return {
      problem: {
        path: ['input_refs'],
        message: 'names nobody: add a reference such as customer_profile:ID, or say by action_type that it is no send',
      },
    }
  const events = [...refs.events, ...(lineage?.upstream_event_ids ?? [])]
  if (events.length > 1000)
    return { problem: { path: ['lineage', 'upstream_event_ids'], message: 'more than 1,000 events, with input_refs' } }
  const many = (list: readonly unknown[], most: number): boolean => list.length > most
  if (many(datasets, 100) || many(snapshots, 100) || many(predictions, 100))
    return { problem: { path: ['input_refs'], message: 'more than 100 datasets, snapshots or predictions' } }
  const hash = HASH.exec(output?.content_hash ?? '')?.[1]?.toLowerCase()
  const digest = HASH.exec(prompt ?? '')?.[1]?.toLowerCase()
  const isDigest = digest !== undefined && prompt!.length > 64
  return {
    proposal: {
      id: flat.action_id,
      type,
      actor: given({ type: actor.type, id: actor.id, configuration: actor.configuration }),
      ...given({
        time: flat.timestamp,
        environment: flat.environment,
        campaign: flat.campaign_id,
        channel: flat.channel,
        purpose: flat.purpose,
        entity: person?.identifier,
        subjectType: person?.type,
        model:
          model &&
          given({
            name: model.name,
            version: model.version,
            provider: model.provider,
            configuration: model.config && labelsOf(model.config),
          }),
        prompt: prompt === null || prompt === undefined ? undefined : isDigest ? { sha256: digest } : { text: prompt },
        inputs: filled({ profile, datasets, snapshots, predictions, events, refs: others }),
        output: output && given({ sha256: hash, artifacts: output.artifact_id && [output.artifact_id] }),
        consent:
          consent &&
          given({
            receipt: consent.consent_receipt_id,
            version: consent.consent_version === undefined ? undefined : textOf(consent.consent_version),
            optOut: consent.opt_out,
          }),
        asserted: filled({
          piiDetected: policy?.pii_detected,
          prohibitedTerms: policy?.prohibited_terms,
          provModel: lineage?.prov_model,
          signature: integrity?.signature,
          signatureKeyId: integrity?.signature_key_id,
        }),
      }),
    } as z.input<typeof ActionProposal>,
  }
}

/** Values that are no plain ones stand as their JSON. */
function labelsOf(config: Readonly<Record<string, unknown>>): Record<string, FeatureValue> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as FeatureValue),
    ]),
  )
}

function textOf(value: string | number | null): string | undefined {
  return value === null ? undefined : String(value)
}

/** Without what is null or undefined. */
function given<T extends object>(members: T): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null)) as T
}

/** The same, and without lists of nothing; undefined where nothing is left. An empty list of terms says something. */
function filled<T extends object>(members: T): T | undefined {
  const left = Object.entries(given(members)).filter(
    ([name, value]) => !Array.isArray(value) || value.length > 0 || name === 'prohibitedTerms',
  )
  return left.length === 0 ? undefined : (Object.fromEntries(left) as T)
}
