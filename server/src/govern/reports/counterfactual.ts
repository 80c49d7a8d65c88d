import type { Counterfactual } from '@whence/sdk'
import { valueText } from './explanation.ts'
import { number, plural } from './text.ts'

// What text and page say alike of the changes that would have changed a decision.

type Change = Counterfactual['changes'][number]

/** `clicks_30d 3 → 1 (score 0.4821)` */
export function changeText({ feature, from, to, score }: Change): string {
  return `${feature} ${valueText(from)} → ${valueText(to)} (score ${score.toFixed(4)})`
}

/** `yes: 0.8312 is at least 0.5` */
export function decisionText({ yes, score, threshold }: Counterfactual): string {
  return yes
    ? `yes: ${score.toFixed(4)} is at least ${number(threshold, 10)}`
    : `no: ${score.toFixed(4)} is below ${number(threshold, 10)}`
}

export function steadyText({ steady, changes }: Counterfactual): string {
  if (steady.length === 0) return ''
  const who = steady.length > 6 ? plural(steady.length, 'input') : steady.join(', ')
  return changes.length === 0
    ? 'no value of any one input that occurs in the snapshot would have changed it'
    : `no value that occurs would have changed it: ${who}`
}

/** What the answer does not say. */
export function limitsOf({ tried, sampled, untried }: Counterfactual): string {
  return [
    `${number(tried)} changes were scored, of one input at a time, over values that occur in the snapshot`,
    sampled.length > 0 ? `of ${plural(sampled.length, 'input')} not every value was tried, but evenly spread ones` : '',
    untried.length > 0 ? `not tried: ${untried.length > 6 ? plural(untried.length, 'input') : untried.join(', ')}` : '',
    'it says what the model does, not what would happen to a person',
  ]
    .filter(Boolean)
    .join('; ')
}
