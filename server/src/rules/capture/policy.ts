// A capture policy, as a file: which predictions are consequential, and how many of the others are kept in full.
import { Name } from '@whence/sdk'
import { z } from 'zod'
import { readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'

const Words = z.union([z.string().min(1).max(200), z.array(z.string().min(1).max(200)).min(1).max(1000)])

const Criterion = z
  .strictObject({
    /** What the records of predictions call it. */
    name: Name,
    scoreAtLeast: z.number().optional(),
    scoreAtMost: z.number().optional(),
    decision: Words.optional(),
    segment: Words.optional(),
  })
  .refine(({ name: _, ...conditions }) => Object.values(conditions).some((condition) => condition !== undefined), {
    message: 'say when: scoreAtLeast, scoreAtMost, decision or segment',
  })
  .refine(({ scoreAtLeast: least, scoreAtMost: most }) => least === undefined || most === undefined || least <= most, {
    message: 'no score is at least scoreAtLeast and at most scoreAtMost: make two of it, each is enough by itself',
  })

const Policy = z.strictObject({
  kind: z.literal('CapturePolicy'),
  name: Name,
  description: z.string().max(2000).optional(),
  rules: z
    .array(
      z.strictObject({
        /** `name@version`; `*` stands for any characters, `?` for one. */
        model: z.string().min(1).max(200),
        consequential: z.array(Criterion).max(1000).default([]),
        routine: z.strictObject({ sample: z.number().min(0).max(1) }),
      }),
    )
    .min(1)
    .max(1000),
})

export type CapturePolicy = z.output<typeof Policy>

export const capturePolicyForm: PolicyForm<CapturePolicy> = {
  kind: 'capture',
  word: 'CapturePolicy',
  title: 'capture policy',
  parse: (text, file) => readPolicyFile(Policy, text, file),
  rules: ({ rules }) =>
    rules.flatMap(({ model, consequential, routine }) => [
      ...consequential.map((criterion) => `${model}: consequential ${JSON.stringify(criterion)}`),
      `${model}: sample ${routine.sample}`,
    ]),
}
