// What the driver of each type of connected system offers. A driver asks once and tells what it heard; trying again, and
// believing nothing until a second read shows it, is its caller's part.
import type { NoReply } from './request.ts'

/** How a campaign stands, in words that all types share. */
export interface FarCampaign {
  readonly status: 'draft' | 'scheduled' | 'running' | 'paused' | 'finished' | 'cancelled' | 'unknown'
  /** The system's own word. */
  readonly said: string
  readonly sent?: number
  readonly toSend?: number
}

export interface FarSystem {
  campaign(id: string): Promise<{ readonly value: FarCampaign } | NoReply>
  setStatus(id: string, status: 'running' | 'paused'): Promise<{ readonly value: unknown } | NoReply>
  /** `undefined`: it has nothing under this id. */
  read(kind: string, id: string): Promise<{ readonly value: unknown } | NoReply>
  /** `undefined` takes it away. */
  write(kind: string, id: string, value: unknown, expected: unknown): Promise<{ readonly value: unknown } | NoReply>
}

const statuses = ['draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled'] as const

/** Reads `{status, sent, toSend}` under the names that a type has for them. A count that is none is left out. */
export function campaignOf(said: unknown, sent: unknown, toSend: unknown): { value: FarCampaign } | NoReply {
  if (typeof said !== 'string' || said === '' || said.length > 64)
    return { failure: 'unintelligible', reason: 'it shows no status of the campaign' }
  const status = statuses.find((one) => one === said.toLowerCase()) ?? 'unknown'
  return {
    value: {
      status,
      said,
      ...(count(sent) ? { sent } : {}),
      ...(count(toSend) ? { toSend } : {}),
    },
  }
}

function count(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
