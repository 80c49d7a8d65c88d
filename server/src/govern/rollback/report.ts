// The report of a rollback: what happened when, who was concerned, what was stopped, taken back and made good, and what
// remains. Each line names the record behind it; each time is the difference of two times on record.
import type { ReportLine, Rollback, RollbackReport, StepDone } from '@whence/sdk'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { SECOND } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { number } from '../reports/text.ts'
import type { Rollbacks } from './rollbacks.ts'
import { alarmOf } from './cause.ts'
import { scopeOf } from './scope.ts'
import type { ScopeParts } from './scope.ts'

const stopping = new Set(['pause', 'pause in system'])
const reverting = new Set(['take back', 'alias', 'declaration', 'write'])

/** Throws `not_found`. */
export async function reportRollback(parts: ScopeParts, rollbacks: Rollbacks, id: string): Promise<RollbackReport> {
  const rollback = await rollbacks.get(id)
  const { plan, steps } = rollback
  const { ledger } = parts
  const now = await scopeOf(parts, {
    ...plan.scope.cause,
    ...(plan.scope.since === undefined ? {} : { since: plan.scope.since }),
    ...(plan.scope.until === undefined ? {} : { until: plan.scope.until }),
  })
  const alarm = plan.scope.cause.kind === 'alarm' ? Number(plan.scope.cause.name) : undefined
  const says = (of: ReadonlySet<string>): string[] => steps.filter((step) => of.has(step.do)).map(stated)
  return {
    id: rollback.id,
    state: rollback.state,
    sentence: sentenceOf(rollback),
    reason: plan.reason,
    noticed:
      alarm === undefined
        ? `by ${rollback.by}: ${plan.reason}`
        : `by the monitor ${alarmOf(ledger, alarm).monitor}: ${alarmOf(ledger, alarm).sentence}`,
    times: timesOf(ledger, rollback, alarm),
    scope: plan.scope,
    now,
    stopped: says(stopping),
    reverted: says(reverting),
    compensated: says(new Set(['compensate'])),
    remains: [...plan.cannot, ...remaining(rollback), ...unsaid(now.groups)],
    follows: plan.follows,
    timeline: timelineOf(ledger, rollback, alarm),
    checkpoint: ledger.checkpoint,
    asOf: now.asOf,
  }
}

function stated({ state, says }: StepDone): string {
  return state === 'done' ? says : `not done: ${says}`
}

function sentenceOf({ plan, state, steps }: Rollback): string {
  const { scope } = plan
  const failed = steps.filter((step) => step.state === 'failed').length
  const how = {
    done: `every one of ${plan.steps.length} steps was done`,
    stopped: `${failed} of ${plan.steps.length} steps ${failed === 1 ? 'is' : 'are'} not done`,
    running: `${steps.length} of ${plan.steps.length} steps are done so far`,
    'dry run': 'it was only worked out: nothing was done',
  }
  return `${number(scope.actions)} decisions about ${number(scope.people)} people were concerned by ${scope.says}; ${how[state]}.`
}

function timesOf(
  ledger: Ledger,
  { plan, steps, begun, ended }: Rollback,
  alarm: number | undefined,
): RollbackReport['times'] {
  const first = plan.scope.first?.recorded
  const raised = alarm === undefined ? undefined : ledger.entry(alarm).recorded
  const from = raised ?? first
  const pauses = steps.filter((step) => step.do === 'pause' && step.state === 'done')
  const paused = pauses
    .map(({ detail }) => (typeof detail.record === 'number' ? ledger.entry(detail.record).recorded : undefined))
    .findLast((at) => at !== undefined)
  const between = (a: string | undefined, b: string | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : Math.max(0, (parseTime(b)! - parseTime(a)!) / SECOND)
  const times = {
    toNotice: between(first, raised),
    toTrace: between(from, begun),
    toSuppression: between(from, paused),
    toRollback: between(from, ended),
  }
  return Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined))
}

function remaining({ plan, steps }: Rollback): string[] {
  const done = new Set(steps.filter(({ state }) => state === 'done').map(({ step }) => step))
  return plan.steps.flatMap((step, n) => (done.has(n) ? [] : [`step ${n + 1}, ${step.do}, is not done`]))
}

function unsaid(groups: RollbackReport['now']['groups']): string[] {
  const of = (state: string): number => groups.find((one) => one.state === state)?.actions ?? 0
  return [
    ...(of('claimed') > 0
      ? [`${number(of('claimed'))} are still with a sender, who has not said what became of them`]
      : []),
    ...(of('queued') > 0 ? [`${number(of('queued'))} are queued still: a pause keeps them`] : []),
    ...(of('held') > 0 ? [`${number(of('held'))} are held: a reviewer decides`] : []),
  ]
}

function timelineOf(ledger: Ledger, { plan, steps, receipt }: Rollback, alarm: number | undefined): ReportLine[] {
  const lines: ReportLine[] = []
  const add = (seq: number, what: string): void => {
    const { recorded, leaf } = ledger.receiptOf(seq)
    lines.push({ at: recorded, what, seq, kind: kindOf(ledger.entry(seq)), leaf, integrity: integrityOf(ledger, seq) })
  }
  if (plan.scope.first) add(plan.scope.first.seq, 'the first decision concerned')
  if (plan.scope.last && plan.scope.last.seq !== plan.scope.first?.seq)
    add(plan.scope.last.seq, 'the last decision concerned, when it was planned')
  if (alarm !== undefined) add(alarm, `the monitor ${alarmOf(ledger, alarm).monitor} alarmed`)
  add(receipt.seq, 'the plan was put on record, and begun')
  for (const step of steps) {
    if (typeof step.detail.record === 'number') add(step.detail.record, `${step.do}: in force`)
    add(step.seq, stated(step))
  }
  return lines.sort((a, b) => a.seq - b.seq)
}

function integrityOf(ledger: Ledger, seq: number): 'intact' | 'altered' {
  try {
    ledger.open(seq)
    return 'intact'
  } catch {
    return 'altered'
  }
}
