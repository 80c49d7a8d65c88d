// What a drill showed.
import { number, paint, plural, table } from './text.ts'

export interface Drill {
  playbook: string
  cause: string
  says: string
  /** Of the rollback on the copy. */
  state: string
  files: number
  records: number
  actions: number
  people: number
  /** In order; `seconds` from the record before to its own. */
  steps: { do: string; state: string; says: string; seconds: number; record: number }[]
  /** From the beginning of the rollback to its last step, by their records. */
  seconds: number
  /** What would have left the machine. */
  outside: readonly { whom: string; what: string }[]
  cannot: string[]
  follows: string[]
  original: { size: number; root: string; unchanged: boolean; grown?: number; compared: string }
}

export function drillText(drill: Drill, color: boolean): string {
  const { bold, dim, green, red, yellow } = paint(color)
  const { playbook, says, steps, seconds, outside, cannot, follows, original } = drill
  const lines = [
    '',
    `${bold(`A drill of ${playbook}`)}: ${says}`,
    '',
    table(
      steps.map(({ state, says: what, seconds: took }, n) => [
        `  ${state === 'done' ? green('✓') : red('✗')} ${n + 1}.`,
        what,
        dim(`${took.toFixed(3)} s`),
      ]),
    ).trimEnd(),
    `  ${bold(`${seconds.toFixed(3)} s`)} from the plan's record to the last step's, on this machine and without anybody outside`,
  ]
  lines.push('', bold('What would have left the machine'))
  if (outside.length === 0) lines.push('  nothing; what was released on the copy nobody claimed')
  for (const { whom, what } of outside) lines.push(`  · ${whom} ${what}`)
  if (cannot.length > 0) lines.push('', bold('What cannot be undone'))
  for (const one of cannot) lines.push(`  ${yellow('!')} ${one}`)
  if (follows.length > 0) lines.push('', bold('What people do then'))
  for (const one of follows) lines.push(`  · ${one}`)
  lines.push('')
  const { size, unchanged, grown, compared } = original
  if (unchanged)
    lines.push(`${green('✓')} the original is as it was: ${plural(size, 'record')}, the same by ${compared}`)
  else if (grown !== undefined)
    lines.push(
      `${yellow('!')} the original went on meanwhile, by its own server: ${number(size)} → ${plural(grown, 'record')}`,
    )
  else lines.push(`${red('✗')} the original is not as it was`)
  lines.push(dim('  the copy is deleted; connected systems were replaced by ones that do what they are told'))
  return `${lines.join('\n')}\n`
}
