// A playbook, as a file: what is done when a monitor or a person says that decisions were wrong, who is told, and what is
// left to people.
import { Compensation, Degree, Name, Revert } from '@whence/sdk'
import { z } from 'zod'
import { matches, readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'

const Schema = z.strictObject({
  kind: z.literal('Playbook'),
  name: Name,
  description: z.string().max(2000).optional(),
  monitors: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([])
    .describe('names of monitors whose rollbacks follow it; * stands for any characters'),
  degrees: z.array(Degree).min(1).default(['pause']),
  revert: Revert.optional(),
  compensate: Compensation.optional(),
  tell: z
    .array(
      z.strictObject({
        who: z.string().min(1).max(200),
        url: z
          .url({ protocol: /^https?$/ })
          .optional()
          .describe('where it is posted to; absent: people look here'),
      }),
    )
    .max(50)
    .default([]),
  follows: z.array(z.string().min(1).max(1000)).max(100).default([]).describe('what people do then, step by step'),
})
export type Playbook = z.output<typeof Schema>

export const playbookForm: PolicyForm<Playbook> = {
  kind: 'playbook',
  word: 'Playbook',
  title: 'playbook',
  parse(text, file) {
    return readPolicyFile(Schema, text, file)
  },
  rules: ({ monitors, degrees, compensate, tell, follows }) => [
    ...monitors.map((monitor) => `after ${monitor}: ${degrees.join(', ')}`),
    ...(compensate
      ? [`compensate by ${compensate.channel} for ${compensate.purpose}: ${JSON.stringify(compensate.copy)}`]
      : []),
    ...tell.map(({ who, url }) => `tell ${who}${url === undefined ? '' : ` at ${url}`}`),
    ...follows.map((step) => `then ${step}`),
  ],
}

/** The playbook of a monitor, the first by name where several are meant. */
export function playbookOf(playbooks: readonly Playbook[], monitor: string): Playbook | undefined {
  return playbooks.find(({ monitors }) => monitors.some((pattern) => matches(pattern, monitor)))
}
