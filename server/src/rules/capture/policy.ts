// A capture policy, as a file: which predictions are consequential, and how many of the others are kept in full.
import { Name } from '@whence/sdk'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { Fault } from '../../fault.ts'

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

/** Whether a file says that it is one. */
export function isCapturePolicy(text: string): boolean {
  return /^kind:\s*CapturePolicy\s*$/m.test(text)
}

/** Reads a policy file. A fault names the file, the line and what must stand there. */
export function parseCapturePolicy(text: string, file: string): CapturePolicy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined
      if (node?.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  const [flaw] = document.errors
  if (flaw) throw new Fault('invalid', `${file} line ${lines.linePos(flaw.pos[0]).line}: ${flaw.message}`)
  const read = Policy.safeParse(document.toJS())
  if (read.success) return read.data
  const sentences = read.error.issues.map((issue) => {
    const where = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
    return `${file} line ${lineOf(where)}: ${issue.path.map(String).join('.') || 'the policy'}: ${issue.message}`
  })
  throw new Fault('invalid', sentences.join('\n'))
}
