import { z } from 'zod'
import { Seq } from './time.ts'

/** Something that a connected system owns. */
export const ConnectedObject = z.object({
  kind: z.enum(['campaign', 'price', 'flag', 'segment']),
  id: z.string().min(1).max(200),
})
export type ConnectedObject = z.infer<typeof ConnectedObject>

export const CampaignCounts = z.object({
  status: z.enum(['draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled', 'unknown']),
  said: z.string().describe('the system’s own word for it'),
  sent: z.number().int().optional().describe('messages that it says it has handed over'),
  toSend: z.number().int().optional().describe('messages that it means to send altogether'),
})
export type CampaignCounts = z.infer<typeof CampaignCounts>

/** A system outside that owns some state, by its file in force. */
export const ConnectorInfo = z.object({
  name: z.string(),
  version: z.number().int(),
  seq: Seq,
  type: z.enum(['http', 'listmonk']),
  url: z.string(),
  owns: z.record(z.string(), z.array(z.string())).describe('names of campaigns, prices, flags, segments'),
  missing: z.array(z.string()).describe('environment variables with its secrets that are not set'),
})
export type ConnectorInfo = z.infer<typeof ConnectorInfo>

export const Connectors = z.object({ connectors: z.array(ConnectorInfo) })
export type Connectors = z.infer<typeof Connectors>

/** How something stands now in the system that owns it. */
export const ConnectedState = z.object({
  object: ConnectedObject,
  connector: z.string().optional().describe('name@vN of the file that says who owns it'),
  state: z
    .enum(['answered', 'failed', 'timed-out', 'unowned', 'contested', 'unusable'])
    .describe('unowned, contested: no connector owns it, or several; unusable: its secrets are not set'),
  detail: z.string().optional().describe('why there is no answer'),
  value: z.unknown().optional().describe('of a campaign its status; absent where the system has nothing under this id'),
  counts: CampaignCounts.optional(),
  asked: z.string().optional(),
})
export type ConnectedState = z.infer<typeof ConnectedState>
