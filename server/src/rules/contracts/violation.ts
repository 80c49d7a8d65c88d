// What a judged event is said to be. The names of the types are RudderStack's where it has one; where it folds a
// precise failure into Unknown-Violation, the failure keeps its own name here.

/** What follows for the event: `passed` and `flagged` events are used, `quarantined` and `dropped` ones are not. */
export type Outcome = 'passed' | 'flagged' | 'quarantined' | 'dropped'

/** What a contract asks for when a rule is broken. `pass` still lists the violation. */
export type Action = 'pass' | 'flag' | 'quarantine' | 'drop'

/**
 * - `Unplanned-Event`: no contract knows the stream.
 * - `Required-Missing`: a required property is absent or null, or the event lacks a subject, id or time.
 * - `Datatype-Mismatch`: the value is not of its logical type (a time without a zone, a fraction for an integer).
 * - `Additional-Properties`: a property that the contract does not name.
 * - `Enum-Mismatch`, `Pattern-Mismatch`, `Format-Mismatch`: the right type, but no allowed value or spelling.
 * - `Range-Violation`: outside minimum, maximum, multipleOf or the digits of a decimal.
 * - `Length-Violation`: too short or too long (string, array, object, identifier).
 * - `Uniqueness-Violation`: an array holds the same item twice.
 * - `Content-Malformed`: the bytes are not one JSON document that would survive being read and written again.
 * - `Unknown-Violation`: none of these.
 */
export type ViolationType =
  | 'Unplanned-Event'
  | 'Required-Missing'
  | 'Datatype-Mismatch'
  | 'Additional-Properties'
  | 'Enum-Mismatch'
  | 'Pattern-Mismatch'
  | 'Format-Mismatch'
  | 'Range-Violation'
  | 'Length-Violation'
  | 'Uniqueness-Violation'
  | 'Content-Malformed'
  | 'Unknown-Violation'

/**
 * One broken rule. `path` is a JSON pointer into the event. `message` may quote the value (shortened) unless the
 * contract calls it personal, and `path` may hold a key that the sender chose: both are content, to be kept as such.
 *
 * `{rule: 'time.type', type: 'Datatype-Mismatch', keyword: 'type', path: '/time',
 *   message: 'time "2018-13-40" is no timestamp: there is no month 13', outcome: 'quarantine'}`
 */
export interface Violation {
  rule: string
  type: ViolationType
  keyword: string
  path: string
  message: string
  outcome: Action
}

/** One rule of a contract, as it is listed: `{id: 'time.type', keyword: 'type', path: '/time', …}`. */
export interface Rule {
  /** The property's path, joined by dots, and the keyword; built-in rules have names of their own. */
  id: string
  keyword: string
  /** JSON pointer; `*` stands for every item of an array. */
  path: string
  type: ViolationType
  outcome: Action
}

const order: Record<Action, number> = { pass: 0, flag: 1, quarantine: 2, drop: 3 }
const outcomes: readonly Outcome[] = ['passed', 'flagged', 'quarantined', 'dropped']

/** The graver of two actions: `worse('flag', 'drop')` is `'drop'`. */
export function worse(one: Action, other: Action): Action {
  return order[one] >= order[other] ? one : other
}

/** A violation list that is kept short; the outcome counts every violation, listed or not. */
export class Findings {
  /** A hostile event may break a rule a million times; the first hundred say enough. */
  static readonly limit = 100
  readonly violations: Violation[] = []
  omitted = 0
  /** The arrays around the value being judged, outermost first, and the place of the item in each. */
  readonly around: { readonly where: string; place: number }[] = []
  #worst = 0

  /** `where` is a pointer from the innermost array item, or from the event. A message is made only to be listed. */
  add(rule: Rule, where: string, message: () => string): void {
    if (!this.#count(rule.outcome)) return
    const { id, type, keyword, outcome } = rule
    const path = this.around.map((array) => `${array.where}/${array.place}`).join('') + where
    this.violations.push({ rule: id, type, keyword, path, message: message(), outcome })
  }

  take(violation: Violation): void {
    if (this.#count(violation.outcome)) this.violations.push(violation)
  }

  get outcome(): Outcome {
    return outcomes[this.#worst] as Outcome
  }

  #count(action: Action): boolean {
    if (order[action] > this.#worst) this.#worst = order[action]
    if (this.violations.length < Findings.limit) return true
    this.omitted++
    return false
  }
}
