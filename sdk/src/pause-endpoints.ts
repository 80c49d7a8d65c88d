// Pauses: what is released waits, until its scope is resumed.
import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'
import { Pause, PauseDone, PauseRequest, Recalled } from './pauses.ts'

export const pauseEndpoints = {
  pause: {
    method: 'POST',
    path: '/v1/pauses',
    scope: 'rollback',
    summary: 'Pause an agent, a campaign, a creative, a model or a prompt: at once, and durable when it is answered',
    body: PauseRequest,
    answer: { json: PauseDone },
  },
  resume: {
    method: 'POST',
    path: '/v1/pauses/resume',
    scope: 'rollback',
    summary: 'Let it go on: what waited may be claimed again',
    body: PauseRequest,
    answer: { json: PauseDone },
  },
  recall: {
    method: 'POST',
    path: '/v1/pauses/recall',
    scope: 'rollback',
    summary: 'Take back, for good, what is queued under a scope; the same id again is a duplicate',
    body: PauseRequest.extend({ id: z.string().min(1).max(256) }),
    answer: { json: Recalled },
  },
  pauses: {
    method: 'GET',
    path: '/v1/pauses',
    scope: 'read',
    summary: 'The pauses in force, and what waits under them',
    answer: { json: z.array(Pause) },
  },
} as const satisfies Record<string, Endpoint>
