// Scopes, plans and rollbacks as text: the bad news first.
import type { Rollback, RollbackPlan, RollbackScope, RollbackStep } from '@whence/sdk'
import { number, paint, plural, table } from './text.ts'

const marks = { done: '✓', failed: '✗' } as const

export function scopeText(scope: RollbackScope, color: boolean): string {
  const { bold, dim } = paint(color)
  const { says, actions, people, groups, outcomes, consent, predictions, first, last } = scope
  const lines = [
    bold(says),
    `${plural(actions, 'decision')} about ${number(people)} people${first && last ? `, from ${first.recorded} to ${last.recorded}` : ''}`,
    '',
  ]
  const rows = groups.map((one) => [
    `  ${one.state}`,
    number(one.actions),
    `${number(one.people)} people`,
    dim(one.remedy),
  ])
  if (rows.length > 0) lines.push(table(rows).trimEnd())
  const came = Object.entries(outcomes).map(([type, { actions: n, people: who }]) => [
    `  ${type}`,
    number(n),
    `${number(who)} people`,
  ])
  if (came.length > 0) lines.push('', 'What came of them', table(came).trimEnd())
  if (consent.allowed + consent.ended > 0)
    lines.push(
      '',
      `Of those who were reached ${number(consent.allowed)} may still be written to for it, ${number(consent.ended)} may not.`,
    )
  if (predictions.predictions > 0) lines.push(`${predictedText(predictions)}.`)
  return `${lines.join('\n')}\n${dim(`as of position ${number(scope.asOf)}`)}\n`
}

/** The predictions behind a cause, in one line. */
export function predictedText({
  predictions,
  inBatches,
  people,
  erased,
  unread,
  models,
}: RollbackScope['predictions']): string {
  return [
    `${plural(predictions, 'prediction')} about ${number(people)} people by ${models.map(({ model }) => model).join(', ')}`,
    ...(inBatches > 0 ? [`${number(inBatches)} of them in batches`] : []),
    ...(erased > 0 ? [`${number(erased)} about people who were erased`] : []),
    ...(unread === undefined ? [] : [`${number(unread)} in files that cannot be read, their people not counted`]),
  ].join(', ')
}

export function planText(plan: RollbackPlan, color: boolean): string {
  const { bold, dim, yellow } = paint(color)
  const lines = [scopeText(plan.scope, color).trimEnd(), '', bold(`What would happen (${plan.degrees.join(', ')})`)]
  plan.steps.forEach((step, n) => lines.push(`  ${n + 1}. ${stepText(step)}`))
  if (plan.steps.length === 0) lines.push('  nothing')
  if (plan.cannot.length > 0) lines.push('', bold('What cannot be undone'))
  for (const one of plan.cannot) lines.push(`  ${yellow('!')} ${one}`)
  if (plan.follows.length > 0) lines.push('', bold('What people do then'))
  for (const one of plan.follows) lines.push(`  · ${one}`)
  return `${lines.join('\n')}\n\n${dim(`plan ${plan.id}`)}\n`
}

export function rollbackText(rollback: Rollback, color: boolean): string {
  const { bold, dim, green, red } = paint(color)
  const { plan, steps, state } = rollback
  const lines = [
    `${bold(plan.scope.says)}: ${state === 'done' ? green('done') : state === 'dry run' ? 'a dry run, nothing was done' : red(state)}`,
    plan.reason,
    '',
  ]
  for (const { step, state: done, says, recorded, seq } of steps)
    lines.push(
      `  ${done === 'done' ? green(marks.done) : red(marks.failed)} ${step + 1}. ${says}   ${dim(`${recorded} · record ${seq}`)}`,
    )
  const told = new Set(steps.map(({ step }) => step))
  plan.steps.forEach((step, n) => {
    if (!told.has(n)) lines.push(`  · ${n + 1}. ${stepText(step)}`)
  })
  if (state === 'stopped' || state === 'running')
    lines.push('', `Not finished: whence rollback resume ${rollback.id.slice(0, 12)} goes on.`)
  return `${lines.join('\n')}\n\n${dim(`rollback ${rollback.id}`)}\n`
}

export function stepText(step: RollbackStep): string {
  switch (step.do) {
    case 'pause':
      return `pause the ${step.scope.kind} ${step.scope.name}`
    case 'pause in system':
      return `let ${step.connector} pause the campaign ${step.campaign}, and confirm it`
    case 'take back':
      return `take back ${number(step.queued)} queued of the ${step.scope.kind} ${step.scope.name}`
    case 'alias':
      return `${step.model}@${step.alias} in ${step.environment}: version ${step.from ?? 'none'} → ${step.to ?? 'none'}`
    case 'declaration':
      return `the ${step.kind} ${step.name} as in ${step.version}`
    case 'write':
      return `let ${step.connector} set the ${step.object.kind} ${step.object.id}: ${JSON.stringify(step.from)} → ${JSON.stringify(step.to)}`
    case 'compensate':
      return `write to ${number(step.people)} people by ${step.channel} for ${step.purpose}, through the gates: ${JSON.stringify(step.copy[0]?.text.slice(0, 60) ?? '')}`
    case 'tell':
      return `tell ${step.who}${step.url === undefined ? '' : ` at ${step.url}`}`
  }
}
