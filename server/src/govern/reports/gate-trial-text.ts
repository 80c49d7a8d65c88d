// A trial of gates for a terminal: what would differ first, then by which gates, then each action.
import type { ActionDifference, GateDifference, GateTrial, TrialDecision } from '@whence/sdk'
import { number, paint, plural, printable, table } from './text.ts'
import type { Paint } from './text.ts'

/** Actions that are listed; --json has them all. */
const LISTED = 50

const whyNot: Record<GateTrial['unjudged'][number]['why'], string> = {
  erased: 'their person was erased',
  altered: 'their record is altered: see whence verify',
  copy: 'their copy is not kept, and a gate would read it',
}

export function gateTrialText(given: GateTrial, { color, width }: { color: boolean; width: number }): string {
  const trial = printable(given)
  const brush = paint(color)
  const { bold, dim, yellow } = brush
  const rows = (items: string[][], right: number[] = []): string =>
    items.length === 0 ? '' : `${table(items, { right, indent: '  ', columns: width })}\n`
  const { actions, judged, decided, changed } = trial
  const sentence =
    judged === 0
      ? 'Nothing could be judged again.'
      : changed === 0
        ? `Nothing would differ in ${plural(judged, 'action')}.`
        : `${plural(decided, 'action')} of ${number(judged)} would be decided otherwise; of ${number(changed)} a gate or its agent would say something else.`
  const parts = [
    `${bold(sentence)}\n`,
    ...trial.unjudged.map((one) => `${yellow('!')} ${number(one.actions)} not judged again: ${whyNot[one.why]}\n`),
    trial.scorers.never > 0
      ? `${yellow('!')} ${number(trial.scorers.never)} judged without a scorer that was not asked then: --scorers asks it\n`
      : '',
    trial.scorers.before > 0 ? `  ${number(trial.scorers.before)} with a scorer taken at what it said then\n` : '',
    '\n',
    rows(trial.files.map(({ path, kind, name, version, change }) => [change, `${kind} ${name}@${version}`, dim(path)])),
    rows(trial.removed.map((name) => ['removed', name])),
    trial.ignored.length === 0 ? '' : `  ${dim(`not tried: ${trial.ignored.join(', ')}`)}\n`,
    judged === 0 ? '' : `\n${bold('decisions')}\n`,
    rows(
      trial.decisions.map((one) => [number(one.actions), said(one.before, brush), '→', said(one.after, brush)]),
      [0],
    ),
    trial.gates.length === 0 ? '' : `\n${bold('gates')}\n`,
    rows(
      trial.gates.map((one) => [number(one.actions), `${one.gate} (${one.policy})`, turned(one)]),
      [0],
    ),
    trial.different.length === 0 ? '' : `\n${bold('actions')}\n`,
    rows(trial.different.slice(0, LISTED).map((one) => actionRow(one, brush))),
    trial.different.length > LISTED ? `  … and ${number(trial.different.length - LISTED)} more: --json has them\n` : '',
    `\n  ${plural(actions, 'action')} looked at${trial.next === undefined ? '' : '; there are older ones: raise --limit'}, as of record ${number(trial.asOf)}\n`,
  ]
  return parts.join('')
}

function said({ decision, shadow }: TrialDecision, { green, red, yellow }: Paint): string {
  const mark = { released: green, held: yellow, refused: red }
  return `${mark[decision](decision)}${shadow ? ' in shadow' : ''}`
}

function turned({ before, after }: Omit<GateDifference, 'message'>): string {
  const words = (side: GateDifference['before']): string =>
    side === undefined ? 'not asked' : `${side.outcome}${side.shadow ? ' in shadow' : ''}`
  return `${words(before)} → ${words(after)}`
}

function actionRow({ seq, id, before, after, gates }: ActionDifference, brush: Paint): string[] {
  const why = gates.map((one) => `${one.gate}: ${one.message ?? turned(one)}`).join('; ')
  return [number(seq), id, `${said(before, brush)} → ${said(after, brush)}`, why]
}
