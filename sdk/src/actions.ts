import { sha256, toHex, toUtf8 } from '@whence/ledger'
import { z } from 'zod'
import { FeatureValue } from './features.ts'
import { Problem, Receipt } from './receipts.ts'
import { isStep, Name, Seq, Sha256, SubjectId, Time } from './time.ts'

export const ActionType = z.enum(['send', 'edit', 'target', 'bid', 'choose_creative'])
export type ActionType = z.infer<typeof ActionType>

const Short = z.string().min(1).max(200)
const Labels = z.record(z.string().max(200), FeatureValue)

/** One piece of what a person would read: a subject line, a text, a page of HTML. */
export const CopyPart = z.object({
  part: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/)
    .describe('subject, text, html, push_title, …'),
  text: z.string().max(1_000_000),
})
export type CopyPart = z.infer<typeof CopyPart>

export const Actor = z.object({
  type: z.enum(['agent', 'user', 'service']),
  id: Name,
  configuration: Short.optional().describe('the approved configuration that it runs under'),
})
export type Actor = z.infer<typeof Actor>

export const ActionModel = z.object({
  name: Short,
  version: Short.optional(),
  provider: Short.optional(),
  configuration: Labels.optional().describe('temperature, top_p, seed, …'),
})
export type ActionModel = z.infer<typeof ActionModel>

/** Whether a digest may stand beside a text: of a text that has no UTF-8 there is none. */
function digests(sha256Hex: string | undefined, text: string | undefined): boolean {
  if (sha256Hex === undefined || text === undefined) return true
  return text.isWellFormed() && toHex(sha256(toUtf8(text))) === sha256Hex
}

/** `name@version` names the template; texts are kept as digests, unless `keep` is `masked`. */
export const Prompt = z
  .object({
    template: Short.optional(),
    version: Short.optional(),
    text: z.string().max(1_000_000).optional(),
    system: z.string().max(1_000_000).optional(),
    sha256: Sha256.optional().describe('of the prompt, where its text is not given'),
    systemSha256: Sha256.optional().describe('of the system prompt, where its text is not given'),
    keep: z.enum(['digest', 'masked']).default('digest'),
  })
  .refine(({ text, sha256: digest }) => digests(digest, text), {
    path: ['sha256'],
    message: 'is not the SHA-256 of the text beside it',
  })
  .refine(({ system, systemSha256 }) => digests(systemSha256, system), {
    path: ['systemSha256'],
    message: 'is not the SHA-256 of the text beside it',
  })
export type Prompt = z.infer<typeof Prompt>

export const ActionInputs = z.object({
  profile: Short.optional().describe('the version of the profile that was read'),
  datasets: z.array(Short).max(100).optional().describe('names with versions'),
  snapshots: z.array(Seq).max(100).optional().describe('feature snapshots, by their positions'),
  features: Labels.optional().describe('the values that were used'),
  predictions: z.array(z.string().max(256)).max(100).optional().describe('by their ids'),
  events: z.array(z.string().max(512)).max(1000).optional().describe('upstream events, by their ids'),
  refs: z.array(z.string().max(512)).max(1000).optional().describe('whatever else was read'),
})
export type ActionInputs = z.infer<typeof ActionInputs>

/** A signature over the action's statement: see docs/spec/statements.md. */
export const EnvelopeSignature = z.object({ keyid: z.string().max(128), sig: z.string().max(1024) })
export type EnvelopeSignature = z.infer<typeof EnvelopeSignature>

/** What the proposer says of its own checks. It is kept and shown as that; no gate believes it, and no signature covers it. */
export const Asserted = z.object({
  piiDetected: z.boolean().optional(),
  prohibitedTerms: z.array(z.string().max(200)).max(1000).optional(),
  provModel: Short.optional(),
  signature: z.string().max(8192).optional().describe('over a record of its own: not verified'),
  signatureKeyId: Short.optional(),
})
export type Asserted = z.infer<typeof Asserted>

/** What an agent, a person or a service wants to do. */
export const ActionProposal = z.object({
  id: z
    .string()
    .min(1)
    .max(256)
    .refine((id) => !isStep(id), 'cannot be asked for'),
  type: ActionType,
  time: Time.optional().describe('when it was decided; default: now'),
  actor: Actor,
  environment: Name.default('production'),
  campaign: Short.optional(),
  creative: Short.optional(),
  entity: z.string().min(1).max(512).optional().describe("the person's identifier"),
  subject: SubjectId.optional().describe('or their subject id'),
  subjectType: z.string().max(128).optional().describe('what the identifier names (default customer)'),
  channel: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/)
    .optional()
    .describe('email, sms, push, …'),
  purpose: Name.default('marketing').describe('of the Purposes in force'),
  address: z.string().max(512).optional().describe('where a sender sends it'),
  notBefore: Time.optional().describe('no sender may claim it earlier'),
  jurisdiction: z.string().max(16).optional(),
  segments: z.array(Short).max(100).optional(),
  targeting: Labels.optional().describe('attributes by which the person was chosen'),
  model: ActionModel.optional(),
  prompt: Prompt.optional(),
  thought: z.string().max(200_000).optional().describe('kept only of a high-risk action, for the scope "reasoning"'),
  thoughtSha256: Sha256.optional().describe('of the thought, where its text is not given; beside it, it is not read'),
  inputs: ActionInputs.optional(),
  output: z
    .object({
      copy: z.array(CopyPart).max(20).optional(),
      sha256: Sha256.optional().describe('where the content itself is not given'),
      artifacts: z.array(Short).max(100).optional(),
      value: Labels.optional().describe('of a bid, a target or a choice: what was decided'),
    })
    .optional(),
  consent: z
    .object({ receipt: Short.optional(), version: Short.optional(), optOut: z.boolean().optional() })
    .optional()
    .describe('what the proposer believes; the gate looks for itself'),
  asserted: Asserted.optional(),
  risk: z.enum(['low', 'high']).default('low'),
  retention: Short.optional(),
  signatures: z.array(EnvelopeSignature).max(4).optional(),
})
export type ActionProposal = z.output<typeof ActionProposal>

/** Something that a gate found, and where: `start` and `end` count UTF-16 code units of the part's text. */
export const Finding = z.object({
  code: z.string().describe('stable, as in pii.email'),
  message: z.string(),
  part: z.string().optional(),
  start: z.number().int().optional(),
  end: z.number().int().optional(),
})
export type Finding = z.infer<typeof Finding>

export const GateOutcome = z.enum(['pass', 'hold', 'refuse'])
export type GateOutcome = z.infer<typeof GateOutcome>

/** What one gate said. */
export const Verdict = z.object({
  gate: z.string().describe('its name in the chain'),
  kind: z.string(),
  policy: z.string().describe('name@vN of the file it stands in'),
  fingerprint: Sha256.describe('of its configuration'),
  outcome: GateOutcome,
  shadow: z.boolean().optional().describe('true: it is told, and decides nothing'),
  findings: z.array(Finding),
  inputs: z.record(z.string(), z.unknown()).describe('what it judged by: versions, counts, receipts'),
})
export type Verdict = z.infer<typeof Verdict>

export const ActionDecision = z.enum(['released', 'held', 'refused'])
export type ActionDecision = z.infer<typeof ActionDecision>

export const DecidedAction = z.object({
  id: z.string(),
  decision: ActionDecision,
  shadow: z.boolean().optional().describe('true: the agent is in shadow, nothing of it is ever released'),
  reason: z.string().describe('one sentence'),
  verdicts: z.array(Verdict),
  statement: Sha256.optional().describe('digest of the statement that signatures are over'),
  receipt: Receipt,
})
export type DecidedAction = z.infer<typeof DecidedAction>

export const ActionBatch = z.object({ actions: z.array(ActionProposal).min(1).max(1000) })
export const ActionResults = z.object({
  released: z.number().int(),
  held: z.number().int(),
  refused: z.number().int(),
  results: z.array(z.union([DecidedAction, z.object({ id: z.string(), problem: Problem })])),
})
export type ActionResults = z.infer<typeof ActionResults>
