// What would have been decided, as text: the changed decisions first.
import type { Corrected, CorrectedRow } from '@whence/sdk'
import { number, paint, plural, printable, table } from './text.ts'

const SHOWN = 20

export function correctedText(given: Corrected, { color, width }: { color: boolean; width: number }): string {
  const told = printable(given)
  const { bold, dim, green, yellow } = paint(color)
  const { says, under, population, sampled, inBatches, erased, computed, decisions, scores, actions, notes, rows } =
    told
  const { same, different, undetermined, changes, rules } = decisions
  const lines = [`${bold(says)}, under ${under.join(' and ')}`]
  lines.push(
    `${sampled < population ? `${number(sampled)} drawn of ` : ''}${plural(population, 'prediction')}${inBatches > 0 ? ` (${number(inBatches)} in batches)` : ''}, ${number(computed)} computed again${erased > 0 ? `, ${number(erased)} about people who were erased` : ''}`,
    '',
  )
  if (same + different > 0)
    lines.push(
      `${different > 0 ? yellow('!') : green('✓')} ${bold(`${number(different)} of ${number(same + different)}`)} decisions would have been different${interval(decisions.interval)}`,
    )
  if (changes.length > 0)
    lines.push(
      table(
        changes.map(({ before, after, predictions }) => [number(predictions), `${before} → ${after}`]),
        { right: [0], indent: '    ' },
      ).trimEnd(),
    )
  lines.push(
    `  ${number(scores.different)} of ${number(computed)} scores differ${interval(scores.interval)}${scores.mean ? `; mean ${short(scores.mean.before)} → ${short(scores.mean.after)}, the largest difference ${signed(scores.largest ?? 0)}` : ''}`,
  )
  if (undetermined > 0) lines.push(`  of ${number(undetermined)} no rule gives a decision before and after`)
  for (const { model, says: rule } of rules) lines.push(dim(`  ${model}: ${rule}`))
  const reasons = Object.entries(told.notComputed).toSorted(([, a], [, b]) => b - a)
  if (reasons.length > 0)
    lines.push(
      '',
      'Could not be computed',
      table(
        reasons.map(([reason, n]) => [
          number(n),
          reason,
          dim(told.examples.find((one) => one.reason === reason)?.detail ?? ''),
        ]),
        { right: [0], indent: '  ', columns: width },
      ).trimEnd(),
    )
  if (rows.length > 0)
    lines.push(
      '',
      `${plural(actions.actions, 'action')} about ${number(actions.people)} people ${actions.actions === 1 ? 'was' : 'were'} made from those${states(actions.states)}`,
      '',
      table(rows.slice(0, SHOWN).map(line), { indent: '  ', columns: width }).trimEnd(),
    )
  if (rows.length > SHOWN) lines.push(dim('  … --list gives all of them'))
  for (const note of notes) lines.push(dim(`· ${note}`))
  return `${lines.join('\n')}\n${dim(`as of position ${number(told.asOf)}`)}\n`
}

function line({ id, score, decision, under, reproduced }: CorrectedRow): string[] {
  return [
    id,
    `${short(score.before)} → ${short(score.after)}`,
    decision ? `${decision.before} → ${decision.after}` : '',
    [under.model, ...(under.view === undefined ? [] : [under.view])].join(', '),
    reproduced ? '' : 'does not come out again as it was',
  ]
}

function states(counts: Record<string, number>): string {
  const all = Object.entries(counts).map(([state, n]) => `${number(n)} ${state}`)
  return all.length === 0 ? '' : `: ${all.join(', ')}`
}

function interval(given: { low: number; high: number } | undefined): string {
  return given ? `   (95 % interval ${percent(given.low)} to ${percent(given.high)} %)` : ''
}

function percent(share: number): string {
  return number(100 * share, 2)
}

function short(score: number): string {
  return String(Number(score.toPrecision(4)))
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${short(Math.abs(value))}`
}
