// A lineage policy, as a file: what is demanded of jobs.
import { Name } from '@whence/sdk'
import { z } from 'zod'
import { readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'

const Policy = z.strictObject({
  kind: z.literal('LineagePolicy'),
  name: Name,
  description: z.string().optional(),
  rules: z
    .array(
      z.strictObject({
        /** `*` stands for any characters, `?` for one. */
        namespace: z.string().min(1).max(1024),
        require: z.array(z.enum(['lineage', 'codeVersion', 'owner'])).min(1),
      }),
    )
    .min(1)
    .max(1000),
})

export type LineagePolicy = z.output<typeof Policy>

export const lineagePolicyForm: PolicyForm<LineagePolicy> = {
  kind: 'policy',
  word: 'LineagePolicy',
  title: 'lineage policy',
  parse: (text, file) => readPolicyFile(Policy, text, file),
  rules: ({ rules }) => rules.map(({ namespace, require }) => `${namespace}: ${require.toSorted().join(', ')}`),
}
