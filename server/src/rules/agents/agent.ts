// An agent, as a file: who answers for it, with which keys it signs, and in which configurations it may act. Approvers
// are agents of type `user`: one kind of file, and one place in which keys are looked up.
import { ActionType, Name, readPublicKey } from '@whence/sdk'
import type { PublicKey } from '@whence/sdk'
import { z } from 'zod'
import { readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'

/** `*` stands for any characters, `?` for one. */
const Patterns = z.array(z.string().min(1).max(200)).min(1).max(1000).optional()

/** What is left out is not looked at; what is listed must be said by the proposal, and fit. */
const Configuration = z.strictObject({
  description: z.string().max(2000).optional(),
  /** `name@version` */
  models: Patterns,
  providers: Patterns,
  /** `template@version` */
  prompts: Patterns,
  actions: z.array(ActionType).min(1).optional(),
  channels: Patterns,
  environments: Patterns,
  campaigns: Patterns,
  /** The highest risk that it may declare. */
  risk: z.enum(['low', 'high']).default('low'),
})
export type AgentConfiguration = z.output<typeof Configuration>

/** A public key as text becomes the key, so that what stands in a policy can verify. */
const Key = z.string().min(1).max(4096).transform(readKey)

const Agent = z
  .strictObject({
    kind: z.literal('Agent'),
    /** The `actor.id` of its proposals. */
    name: Name,
    type: z.enum(['agent', 'user', 'service']).default('agent'),
    owner: z.string().min(1).max(200),
    description: z.string().max(2000).optional(),
    /** `shadow`: it proposes, and nothing of it is released. */
    mode: z.enum(['live', 'shadow']).default('live'),
    /** Of a shadow: the agent whose place it would take, and which it is compared with. */
    beside: Name.optional(),
    keys: z.array(Key).max(16).default([]),
    /** Whether a proposal may come without a signature. With keys it may not, unless this says so. */
    unsigned: z.enum(['allowed', 'refused']).optional(),
    configurations: z.record(Name, Configuration).default({}),
  })
  .refine(({ mode, beside }) => (mode === 'shadow') === (beside !== undefined), {
    path: ['beside'],
    message: 'a shadow, and only a shadow, says beside whom it proposes',
  })
  .refine(({ name, beside }) => name !== beside, { path: ['beside'], message: 'an agent is no shadow of itself' })
  .refine(({ type, configurations }) => type !== 'agent' || Object.keys(configurations).length > 0, {
    path: ['configurations'],
    message: 'an agent needs at least one approved configuration',
  })
  .refine(({ keys }) => new Set(keys.map(({ keyid }) => keyid)).size === keys.length, {
    path: ['keys'],
    message: 'a key stands here twice',
  })
  .refine(({ keys, unsigned }) => keys.length > 0 || unsigned !== 'refused', {
    path: ['unsigned'],
    message: 'without keys nothing can be signed: list one, or allow what is unsigned',
  })

export type AgentPolicy = z.output<typeof Agent>

/** An agent's file in force, and which version of it. */
export interface AgentInForce {
  readonly policy: AgentPolicy
  readonly version: number
}

export const agentForm: PolicyForm<AgentPolicy> = {
  kind: 'agent',
  word: 'Agent',
  title: 'agent',
  parse: (text, file) => readPolicyFile(Agent, text, file),
  rules: ({ type, owner, mode, beside, keys, configurations, ...rest }) => [
    `${type} of ${owner}`,
    beside === undefined ? mode : `${mode} beside ${beside}`,
    ...keys.map(({ keyid }) => `key ${keyid}`),
    ...(mustSign({ keys, ...rest }) ? ['must sign'] : []),
    ...Object.entries(configurations).map(([name, { description: _, ...approved }]) => {
      return `configuration ${name}: ${JSON.stringify(approved)}`
    }),
  ],
}

/** Whether what this agent proposes must carry a signature. */
export function mustSign({ keys, unsigned }: Pick<AgentPolicy, 'keys' | 'unsigned'>): boolean {
  return unsigned === undefined ? keys.length > 0 : unsigned === 'refused'
}

function readKey(text: string, context: z.core.$RefinementCtx<string>): PublicKey {
  try {
    return readPublicKey(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: `${(error as Error).message}; see whence agents keygen` })
    return z.NEVER
  }
}
