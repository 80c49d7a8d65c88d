// A shadow beside its incumbent, for a terminal.
import type { AgentComparison } from '@whence/sdk'
import { number, paint, plural, printable, table } from './text.ts'

/** Pairs that are listed; --json has more. */
const LISTED = 20

const share = (part: number, of: number): string => (of === 0 ? '' : `${number((100 * part) / of, 1)} %`)

export function agentComparisonText(
  given: AgentComparison,
  { color, width }: { color: boolean; width: number },
): string {
  const told = printable(given)
  const { bold, dim, yellow } = paint(color)
  const { pairs, agreement, proposals, alone, unread, by } = told
  const rows = (items: string[][], right: number[] = []): string =>
    items.length === 0 ? '' : `${table(items, { right, indent: '  ', columns: width })}\n`
  const section = (title: string, text: string): string => (text === '' ? '' : `\n${bold(title)}\n${text}`)
  const { same, of } = agreement.decision
  const sentence =
    pairs === 0
      ? `${told.shadow} and ${told.incumbent} proposed nothing about the same.`
      : `${told.shadow} would have been decided as ${told.incumbent} in ${number(same)} of ${plural(of, 'pair')} (${share(same, of)}).`
  const names = { creative: 'same creative', value: 'same value', copy: 'same copy' }
  return [
    `${bold(sentence)}\n`,
    told.more ? `${yellow('!')} only from ${told.since} on: there are older proposals, raise --limit\n` : '',
    unread.shadow + unread.incumbent > 0
      ? `${yellow('!')} not read, as their people were erased or they are altered: ${number(unread.shadow)} and ${number(unread.incumbent)}\n`
      : '',
    '\n',
    rows([
      ['', told.shadow, told.incumbent].map(dim),
      ['proposals', number(proposals.shadow), number(proposals.incumbent)],
      ['alone', number(alone.shadow), number(alone.incumbent)],
    ]),
    `  ${plural(pairs, 'pair')}: ${number(by.prediction)} by a prediction, ${number(by.day)} by the day\n`,
    section(
      'agreement',
      rows(
        (['creative', 'value', 'copy'] as const).flatMap((what) => {
          const one = agreement[what]
          return one.of === 0
            ? []
            : [[names[what], `${number(one.same)} of ${number(one.of)}`, share(one.same, one.of)]]
        }),
      ),
    ),
    section(
      'decisions',
      told.decisions.length === 0
        ? ''
        : rows(
            [
              ['pairs', told.shadow, told.incumbent].map(dim),
              ...told.decisions.map((one) => [number(one.pairs), one.shadow, one.incumbent]),
            ],
            [0],
          ),
    ),
    section(
      'gates',
      told.gates.length === 0
        ? ''
        : rows([
            ['gate', 'policy', `${told.shadow}: pass hold refuse`, told.incumbent, 'differ'].map(dim),
            ...told.gates.map((one) => [
              one.gate,
              one.policy,
              three(one.shadow),
              three(one.incumbent),
              one.differ === 0 ? '' : yellow(number(one.differ)),
            ]),
          ]),
    ),
    section(
      `what came of what ${told.incumbent} sent`,
      told.outcomes
        .map(
          ({ shadow, released, sent, rates }) =>
            `  beside it ${told.shadow} ${shadow === 'absent' ? 'proposed nothing' : `was ${shadow}`}: ${number(released)} released, ${number(sent)} sent\n` +
            rows(
              rates.map((one) => [
                `  ${one.type}`,
                number(one.actions),
                share(one.share, 1),
                dim(`${share(one.low, 1)} to ${share(one.high, 1)}`),
              ]),
              [1],
            ),
        )
        .join(''),
    ),
    section(
      'pairs that differ',
      rows(
        told.differing
          .slice(0, LISTED)
          .map(({ shadow, incumbent, differ }) => [
            `${shadow.id} ${shadow.decision}`,
            `${incumbent.id} ${incumbent.decision}`,
            differ.join(', '),
          ]),
      ),
    ),
    `\n  as of record ${number(told.asOf)}\n`,
  ].join('')
}

function three({ pass, hold, refuse }: AgentComparison['gates'][number]['shadow']): string {
  return [pass, hold, refuse].map((count) => number(count)).join(' ')
}
