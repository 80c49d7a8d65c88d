// A monitor, as a file: what it watches, by which test, and what follows when it alarms.
import { Name } from '@whence/sdk'
import { z } from 'zod'
import { readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'
import { parseTime } from '../contracts/time.ts'

const units = { s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6 }

/** A length of time, as in `24h`, in microseconds. */
const Duration = z
  .string()
  .regex(/^(0s|[1-9]\d{0,4}[smhd])$/, 'must be a number with s, m, h or d, as in 24h')
  .transform((text) => Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units])

/** How long outcomes may be waited for: messages are remembered longer. */
const Settle = Duration.refine((length) => length <= 30 * units.d, 'must be 30d at most').default(24 * units.h)

const Moment = z
  .string()
  .max(64)
  .refine((text) => parseTime(text) !== undefined, 'must be a time with its zone, as in 2026-03-20T10:00:00Z')
  .transform((text) => parseTime(text)!)

/** What actions are grouped by. */
export const Dimension = z.enum(['campaign', 'creative', 'model', 'prompt', 'agent'])
export type Dimension = z.output<typeof Dimension>

/** Rates of what came of messages, and the outcome that each counts. */
export const rates = {
  complaints: 'complained',
  unsubscribes: 'unsubscribed',
  bounces: 'bounced',
  opens: 'opened',
  clicks: 'clicked',
  conversions: 'converted',
} as const
export type Rate = keyof typeof rates

/** What may drift in what agents write, and in what they write it from. */
export const drifts = ['length', 'language', 'vocabulary', 'inputs'] as const
export type Drift = (typeof drifts)[number]

/** Of most rates more is worse; fewer opens, clicks and conversions are. */
const lower: ReadonlySet<string> = new Set(['opens', 'clicks', 'conversions'])

const rate = z.number().gt(0, 'must be above 0').lt(0.5, 'must be below 0.5')
const other = z.string().min(1).max(200)

const Test = z.discriminatedUnion('kind', [
  /** Whether the rate is above a ceiling. */
  z.strictObject({ kind: z.literal('ceiling'), ceiling: rate }),
  /** Whether rare events fall to a version more often than its share of what is sent explains. */
  z.strictObject({
    kind: z.literal('baseline'),
    baseline: other,
    /** Of what is sent to both, the share that goes to the version. */
    share: z.number().gt(0).lt(1).default(0.5),
    /** So much more of them is borne: 0.2 is a fifth. */
    tolerance: z.number().min(0).max(10).default(0),
  }),
  /** Whether a common rate differs from a baseline's at the same time. */
  z.strictObject({
    kind: z.literal('blocks'),
    baseline: other,
    /** Messages of each arm that make a block, at least. */
    block: z.number().int().min(1).max(1_000_000).default(250),
    worse: z.enum(['higher', 'lower']).optional(),
    /** A message is counted so long after it was sent, with what came of it by then. */
    settle: Settle,
  }),
  /** Whether the rate rose above a ceiling at some time, however long it was quiet before. */
  z.strictObject({
    kind: z.literal('restarts'),
    ceiling: rate,
    block: z.number().int().min(1).max(1_000_000).default(500),
    /** Blocks between two false alarms, on average and at least. */
    runLength: z.number().min(2).max(1e12).default(10_000),
    settle: Settle,
  }),
  /** Whether the newest rows are distributed as the first were. */
  z.strictObject({
    kind: z.literal('drift'),
    measure: z.enum(['psi', 'js']).default('psi'),
    threshold: z.number().gt(0).max(100).optional(),
    /** Actions that are the reference, and that each comparison takes. */
    rows: z.number().int().min(20).max(100_000).default(500),
  }),
])
export type MonitorTest = z.output<typeof Test>

const Then = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('alarm') }),
  /** What would be released of the group is held for approval. */
  z.strictObject({ do: z.literal('raise') }),
  z.strictObject({
    do: z.literal('rollback'),
    degree: z.enum(['pause', 'revert', 'compensate']),
    /** It is worked out and told, and nothing is done. */
    dryRun: z.boolean().default(true),
  }),
])
export type MonitorThen = z.output<typeof Then>

const File = z
  .strictObject({
    kind: z.literal('Monitor'),
    name: Name,
    description: z.string().max(2000).optional(),
    by: Dimension,
    environment: Name.default('production'),
    /** Names of groups that are watched, with `*` and `?`; default: all. */
    among: z.array(z.string().min(1).max(200)).min(1).max(1000).optional(),
    metric: z.enum([...(Object.keys(rates) as [Rate, ...Rate[]]), ...drifts]),
    /** Of which messages the rate is. */
    per: z.enum(['sent', 'delivered', 'opened']).optional(),
    test: Test,
    alpha: z.number().gt(0).lte(0.2, 'must be 0.2 at most').default(0.01),
    /** No alarm before so many messages. */
    minimum: z.number().int().min(0).max(1e9).default(0),
    /** Messages first heard of before are not counted; default: when this version came into force. */
    start: Moment.optional(),
    /** Evidence begins anew every so long. */
    window: Duration.refine((length) => length > 0, 'must be longer than 0s').optional(),
    /** `e-bh`: alpha is the share of alarms that may be false, over all groups; `each`: the risk of each group. */
    across: z.enum(['e-bh', 'each']).default('e-bh'),
    then: Then.default({ do: 'alarm' }),
  })
  .superRefine(({ metric, test, then, per, start, window }, context) => {
    const drifting = (drifts as readonly string[]).includes(metric)
    const wrong = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message })
    if (drifting !== (test.kind === 'drift'))
      wrong(['test', 'kind'], drifting ? `${metric} are watched by kind: drift` : 'drift is of copy and inputs')
    if (test.kind === 'drift' && then.do === 'rollback')
      wrong(['then', 'do'], 'drift alone rolls nothing back: raise is the most that it does')
    if (drifting && per !== undefined) wrong(['per'], 'drift is of actions, whatever came of them')
    if (per === 'opened' && metric !== 'clicks' && metric !== 'conversions')
      wrong(['per'], 'only clicks and conversions can be counted per opened message')
    if (lower.has(metric) && (test.kind === 'ceiling' || test.kind === 'restarts'))
      wrong(['test', 'kind'], `more ${metric} are no harm: compare them with kind: blocks`)
    if (start !== undefined && window !== undefined && test.kind === 'drift')
      wrong(['window'], 'drift has its reference instead')
  })
  .transform(({ per, test, ...file }) => ({
    ...file,
    per: per ?? (file.metric === 'bounces' ? ('sent' as const) : ('delivered' as const)),
    test:
      test.kind === 'blocks'
        ? { ...test, worse: test.worse ?? (lower.has(file.metric) ? ('lower' as const) : ('higher' as const)) }
        : test.kind === 'drift'
          ? { ...test, threshold: test.threshold ?? (test.measure === 'psi' ? 0.25 : 0.1) }
          : test,
  }))

export type Monitor = z.output<typeof File>

export const monitorForm: PolicyForm<Monitor> = {
  kind: 'monitor',
  word: 'Monitor',
  title: 'monitor',
  parse: (text, file) => readPolicyFile(File, text, file),
  rules: ({ kind: _, name: _name, description: _description, ...rules }) =>
    Object.entries(rules).map(
      ([what, value]) => `${what} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
    ),
}

/** ln of what evidence must reach, where one group is looked at alone. */
export function threshold({ test, alpha }: Pick<Monitor, 'test' | 'alpha'>): number {
  return test.kind === 'restarts' ? Math.log(test.runLength) : Math.log(1 / alpha)
}
