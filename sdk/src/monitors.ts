import { z } from 'zod'
import { Declarations } from './declarations.ts'
import { Receipt } from './receipts.ts'
import { Seq, Sha256, Time } from './time.ts'

/** How often something happened, among how many messages. */
export const MonitorCount = z.object({ events: z.number().int(), units: z.number().int() })
export type MonitorCount = z.infer<typeof MonitorCount>

/** What evidence was made of. */
export const MonitorCounted = MonitorCount.extend({
  baseline: MonitorCount.optional().describe('of the baseline, in the same time'),
  from: Seq.describe('messages first heard of from this record on'),
  to: Seq.describe('with what was known up to this record'),
  digest: Sha256.describe('over what was counted, in the order of the log'),
  groups: z.number().int().describe('groups that the monitor watches, this one included'),
})
export type MonitorCounted = z.infer<typeof MonitorCounted>

/** E, and what it must reach. Of drift: the divergence, and its limit. */
export const MonitorEvidence = z.object({
  value: z.number().describe('at most 1e300'),
  log: z.number().describe('its natural logarithm'),
  threshold: z.number(),
})
export type MonitorEvidence = z.infer<typeof MonitorEvidence>

/** What follows an alarm. */
export const MonitorAction = z.enum(['alarm', 'raise', 'rollback'])
export type MonitorAction = z.infer<typeof MonitorAction>

/** What a rollback was asked for. */
export const RollbackWanted = z.object({
  degree: z.enum(['pause', 'revert', 'compensate']),
  dryRun: z.boolean().describe('true: it is worked out and told, and nothing is done'),
})
export type RollbackWanted = z.infer<typeof RollbackWanted>

export const MonitorDimension = z.enum(['campaign', 'creative', 'model', 'prompt', 'agent'])
export type MonitorDimension = z.infer<typeof MonitorDimension>

/** What drifted, and by how much. */
export const DriftFound = z.object({
  measure: z.enum(['psi', 'js']),
  of: z.string().describe('length, language, vocabulary, or the name of an input'),
  psi: z.number(),
  js: z.number(),
  noise: z.number().describe('a PSI up to this may be chance'),
  largest: z
    .array(z.object({ bin: z.string(), before: z.number(), now: z.number() }))
    .describe('the bins that moved most, as shares; empty where bins would be words'),
})
export type DriftFound = z.infer<typeof DriftFound>

/** Of one alarm: everything that follows from the log alone. */
export const AlarmBody = z.object({
  monitor: z.string().describe('name@vN'),
  environment: z.string(),
  by: MonitorDimension,
  group: z.string(),
  metric: z.string(),
  per: z.string(),
  test: z.string(),
  at: Seq.describe('the record that made it so'),
  time: Time.describe('of that record'),
  alpha: z.number(),
  evidence: MonitorEvidence,
  counted: MonitorCounted,
  drift: DriftFound.optional(),
  sentence: z.string(),
  do: MonitorAction,
  wants: RollbackWanted.optional(),
})
export type AlarmBody = z.infer<typeof AlarmBody>

export const Alarm = AlarmBody.extend({
  seq: Seq.describe('of the alarm’s record'),
  cleared: z.object({ seq: Seq, time: Time, by: z.string(), note: z.string() }).optional(),
})
export type Alarm = z.infer<typeof Alarm>

export const AlarmsQuery = z.object({
  monitor: z.string().max(200).optional().describe('a name'),
  group: z.string().max(200).optional(),
  open: z.enum(['true', 'false']).optional().describe('true: only what is not cleared'),
  before: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
export type AlarmsQuery = z.input<typeof AlarmsQuery>

export const Alarms = z.object({ alarms: z.array(Alarm), next: Seq.optional(), asOf: Seq })
export type Alarms = z.infer<typeof Alarms>

/** An alarm is dealt with: its group is watched anew, and gates that it raised are lowered. */
export const AlarmClearance = z.object({ note: z.string().min(1).max(500).describe('why; nothing personal') })
export type AlarmClearance = z.infer<typeof AlarmClearance>
export const ClearedAlarm = Alarm.extend({ receipt: Receipt })
export type ClearedAlarm = z.infer<typeof ClearedAlarm>

/** How one group of a monitor stands. */
export const MonitorGroup = z.object({
  group: z.string(),
  evidence: MonitorEvidence,
  counted: MonitorCounted,
  drift: DriftFound.optional(),
  alarmed: z.boolean(),
})
export type MonitorGroup = z.infer<typeof MonitorGroup>

export const MonitorState = z.object({
  monitor: z.string(),
  version: z.number().int(),
  seq: Seq.describe('of the version in force'),
  description: z.string().optional(),
  by: MonitorDimension,
  metric: z.string(),
  per: z.string(),
  environment: z.string(),
  test: z.record(z.string(), z.unknown()),
  alpha: z.number(),
  minimum: z.number().int(),
  across: z.enum(['e-bh', 'each']),
  then: z.record(z.string(), z.unknown()),
  groups: z.array(MonitorGroup).describe('those with most evidence first, 200 at most'),
  watched: z.number().int().describe('how many groups there are'),
  unread: z.number().int().describe('of drift: actions that could not be read, of erased people or without a copy'),
  notes: z.array(z.string()),
})
export type MonitorState = z.infer<typeof MonitorState>

export const Monitors = z.object({
  monitors: z.array(MonitorState),
  untied: z.number().int().describe('outcomes of messages that nobody knows: they count nowhere'),
  asOf: Seq.describe('what was followed'),
})
export type Monitors = z.infer<typeof Monitors>

/** Monitors that might be, held against what has been. */
export const MonitorTestRequest = Declarations.extend({
  from: Time.optional().describe('as if they had come into force then; default: with the first record'),
  to: Time.optional().describe('knowing what was recorded before; default: everything'),
})
export type MonitorTestRequest = z.input<typeof MonitorTestRequest>

export const TestedMonitor = z.object({
  monitor: z.string(),
  path: z.string(),
  would: z.array(AlarmBody).describe('alarms that it would have raised, in order'),
  did: z.array(Alarm).describe('alarms that monitors of this name raised in that time'),
  groups: z.array(MonitorGroup).describe('how it would stand now'),
})
export type TestedMonitor = z.infer<typeof TestedMonitor>

export const MonitorTested = z.object({ monitors: z.array(TestedMonitor), asOf: Seq })
export type MonitorTested = z.infer<typeof MonitorTested>
