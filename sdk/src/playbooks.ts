import { z } from 'zod'
import { Compensation, Degree } from './rollbacks.ts'

/** A playbook in force. */
export const PlaybookInForce = z.object({
  name: z.string(),
  monitors: z.array(z.string()).describe('after whose alarms it is followed'),
  degrees: z.array(Degree),
  compensate: Compensation.optional(),
  tell: z.array(z.object({ who: z.string(), url: z.string().optional() })),
  follows: z.array(z.string()),
})
export type PlaybookInForce = z.infer<typeof PlaybookInForce>
