import { z } from 'zod'
import { Name, Seq } from './time.ts'

export const AgentsQuery = z.object({
  asOf: z.coerce
    .number<number>()
    .int()
    .nonnegative()
    .optional()
    .describe('the files in force as of this position: for signatures of that time; default: now'),
})
export type AgentsQuery = z.input<typeof AgentsQuery>

/** An agent, a service or an approver, as its file in force declares it. */
export const AgentInfo = z.object({
  name: Name.describe('the actor.id of its proposals'),
  version: z.number().int(),
  seq: Seq,
  type: z.enum(['agent', 'user', 'service']),
  owner: z.string(),
  mode: z.enum(['live', 'shadow']).describe('shadow: it proposes, and nothing of it is released'),
  beside: Name.optional().describe('of a shadow: with whom it is compared'),
  signs: z.boolean().describe('true: what it proposes must carry a signature'),
  keys: z.array(z.object({ keyid: z.string(), key: z.string().describe('base64 of the 32 bytes (Ed25519)') })),
  configurations: z
    .record(Name, z.record(z.string(), z.unknown()))
    .describe(
      'the approved ones by name: which models, providers, prompts, actions, channels, environments, campaigns',
    ),
})
export type AgentInfo = z.infer<typeof AgentInfo>

export const Agents = z.object({ agents: z.array(AgentInfo), asOf: Seq })
export type Agents = z.infer<typeof Agents>
