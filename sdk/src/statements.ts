// What an agent signs about an action: an in-toto Statement (docs/spec/statements.md). It is made from the proposal
// alone, so that whoever has the proposal makes the same bytes, and it says nothing in clear that may be about a person.
import { canonicalBytes, sha256, toHex, toUtf8 } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { z } from 'zod'
import { ActionModel, ActionProposal, ActionType, Actor, EnvelopeSignature } from './actions.ts'
import { Name, Seq, Sha256, SubjectId, Time } from './time.ts'

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

/** Names the form of the predicate; another form gets another number. */
export const ACTION_PREDICATE = 'urn:whence:action:v1'

const Digest = z.strictObject({ sha256: Sha256 })
const Words = z.array(z.string())

/**
 * What the proposer says, without personal content. Digests of what may name a person (`person.identifier`, `address`,
 * `targeting`, most `inputs`) are bound to the action's id: equal values of two actions have unequal digests.
 */
export const ActionPredicate = z.strictObject({
  type: ActionType,
  time: Time.optional(),
  actor: z.strictObject(Actor.shape),
  environment: Name,
  campaign: z.string().optional(),
  creative: z.string().optional(),
  channel: z.string().optional(),
  purpose: Name,
  jurisdiction: z.string().optional(),
  segments: Words.optional(),
  risk: z.enum(['low', 'high']),
  retention: z.string().optional(),
  notBefore: Time.optional(),
  person: z
    .strictObject({ type: z.string().optional(), identifier: Digest.optional(), subject: SubjectId.optional() })
    .optional(),
  address: Digest.optional(),
  targeting: Digest.optional(),
  model: z.strictObject(ActionModel.shape).optional(),
  prompt: z
    .strictObject({
      template: z.string().optional(),
      version: z.string().optional(),
      text: Digest.optional().describe('SHA-256 of its UTF-8'),
      system: Digest.optional(),
      keep: z.enum(['digest', 'masked']),
    })
    .optional(),
  thought: Digest.optional(),
  inputs: z
    .strictObject({
      datasets: Words.optional(),
      snapshots: z.array(Seq).optional(),
      profile: Digest.optional(),
      features: Digest.optional(),
      predictions: Digest.optional(),
      events: Digest.optional(),
      refs: Digest.optional(),
    })
    .optional(),
  output: z
    .strictObject({
      parts: Words.optional().describe('which pieces of copy there are'),
      content: Digest.optional().describe('of content that is kept elsewhere, as the proposer gave it'),
      artifacts: Words.optional(),
    })
    .optional(),
  consent: z
    .strictObject({ receipt: z.string().optional(), version: z.string().optional(), optOut: z.boolean().optional() })
    .optional(),
})
export type ActionPredicate = z.infer<typeof ActionPredicate>

/** An in-toto Statement v1 about one action: its id, and the digest of what it puts out. */
export const ActionStatement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.tuple([z.strictObject({ name: z.string().min(1).max(256), digest: Digest })]),
  predicateType: z.literal(ACTION_PREDICATE),
  predicate: ActionPredicate,
})
export type ActionStatement = z.infer<typeof ActionStatement>

/** A DSSE envelope: https://github.com/secure-systems-lab/dsse, envelope.md. */
export const Envelope = z.object({
  payloadType: z.string().max(256),
  payload: z.string().max(4_000_000).describe('base64'),
  signatures: z.array(EnvelopeSignature.extend({ keyid: z.string().max(128).default('') })).max(64),
})
export type Envelope = z.infer<typeof Envelope>

/** What was signed of an action. Of several versions the last is the one that stands. */
export const StatedAction = z.object({
  action: z.string(),
  seq: Seq,
  versions: z.array(
    z.object({
      seq: Seq.describe('the record that made it: of the action, or of an edit'),
      statement: Sha256.describe('digest of the statement: what an approval names'),
      envelope: Envelope,
    }),
  ),
})
export type StatedAction = z.infer<typeof StatedAction>

/**
 * The statement of a proposal. Defaults are filled in first; signatures have no part in it. Throws `not-canonical` for
 * what JSON cannot say, such as lone surrogates, and a ZodError for what is no proposal.
 *
 * @example statementOf({ id: 'a-1', type: 'send', actor: { type: 'agent', id: 'writer' }, entity: 'c-1' }).subject[0].name // 'a-1'
 */
export function statementOf(proposal: z.input<typeof ActionProposal>): ActionStatement {
  return statementOfParsed(ActionProposal.parse(proposal))
}

/** As `statementOf`, for a proposal that `ActionProposal` has read. */
export function statementOfParsed(proposal: ActionProposal): ActionStatement {
  const { id, signatures: _, asserted: __, entity, subject, subjectType, address, targeting, ...said } = proposal
  const { prompt, thought, thoughtSha256, inputs, output, ...clear } = said
  const bound = boundTo(id)
  const person = given({ type: subjectType, identifier: bound('entity', entity), subject })
  const predicate = given({
    ...clear,
    person: Object.keys(person).length > 0 ? person : undefined,
    address: bound('address', address),
    targeting: bound('targeting', targeting),
    prompt: prompt && promptOf(prompt),
    thought: ofText(thought) ?? digest(thoughtSha256),
    inputs: inputs && inputsOf(inputs, bound),
    output: outputOf(output),
  }) as ActionPredicate
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: id, digest: { sha256: outputDigest(output) } }],
    predicateType: ACTION_PREDICATE,
    predicate,
  }
}

/** SHA-256 of the canonical JSON of an action's whole output; of `{}` where there is none. */
export function outputDigest(output: ActionProposal['output']): string {
  return digestOf(canonicalBytes(plain(output ?? {})))
}

/** The bytes that are signed and digested: canonical JSON (RFC 8785). */
export function statementBytes(statement: ActionStatement): Uint8Array {
  return canonicalBytes(plain(statement))
}

/** SHA-256 of the statement's bytes, in hex. */
export function statementDigest(statement: ActionStatement): string {
  return digestOf(statementBytes(statement))
}

/** The same whether texts are given or their digests, so that what is kept of a proposal has its statement. */
function promptOf({ text, system, sha256: stated, systemSha256, ...rest }: NonNullable<ActionProposal['prompt']>) {
  return given({ ...rest, text: ofText(text) ?? digest(stated), system: ofText(system) ?? digest(systemSha256) })
}

function digest(sha256: string | undefined): { sha256: string } | undefined {
  return sha256 === undefined ? undefined : { sha256 }
}

function inputsOf({ datasets, snapshots, ...rest }: NonNullable<ActionProposal['inputs']>, bound: Bind) {
  return given({
    datasets,
    snapshots,
    profile: bound('inputs.profile', rest.profile),
    features: bound('inputs.features', rest.features),
    predictions: bound('inputs.predictions', rest.predictions),
    events: bound('inputs.events', rest.events),
    refs: bound('inputs.refs', rest.refs),
  })
}

function outputOf(output: ActionProposal['output']) {
  if (output === undefined) return undefined
  return given({
    parts: output.copy?.map(({ part }) => part),
    content: output.sha256 === undefined ? undefined : { sha256: output.sha256 },
    artifacts: output.artifacts,
  })
}

function ofText(text: string | undefined): { sha256: string } | undefined {
  return text === undefined ? undefined : { sha256: digestOf(toUtf8(text)) }
}

type Bind = (field: string, value: unknown) => { sha256: string } | undefined

/** Digests that hold for one action and one field only. */
function boundTo(action: string): Bind {
  return (field, value) =>
    value === undefined ? undefined : { sha256: digestOf(canonicalBytes(plain({ action, field, value }))) }
}

function digestOf(bytes: Uint8Array): string {
  return toHex(sha256(bytes))
}

/**
 * Without members that are undefined, at any depth: zod leaves some, and JSON has none. By name, since what stands in its
 * canonical order is written faster.
 */
function plain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value as Json
  const members: [string, Json][] = []
  for (const name of Object.keys(value).sort()) {
    const inner = (value as Record<string, unknown>)[name]
    if (inner !== undefined) members.push([name, plain(inner)])
  }
  return Object.fromEntries(members)
}

function given<T extends object>(members: T): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T
}
