// What is found wrong with an event while it is read.
import type { ViolationType } from '../contracts/violation.ts'
import { ruleOf } from './rules.ts'
import type { RuleId } from './rules.ts'

/** One broken rule. `path` is a JSON pointer into the event; `message` never quotes more than its first characters. */
export interface Violation {
  rule: string
  type: ViolationType
  path: string
  message: string
}

export class Findings {
  /** A hostile event may break a rule a million times; the first hundred say enough. */
  static readonly limit = 100
  readonly violations: Violation[] = []
  /** The rules that were broken, also those whose violations are no longer listed. */
  readonly rules = new Set<string>()
  omitted = 0
  refused = false
  /** Whether facets are held against their schemas. */
  readonly schemas: boolean

  constructor(schemas = true) {
    this.schemas = schemas
  }

  note(rule: RuleId, path: string, message: string, type: ViolationType = ruleOf(rule).type): void {
    const { refuses } = ruleOf(rule)
    this.rules.add(rule)
    if (refuses) this.refused = true
    // Why it is refused is always said.
    if (this.violations.length < Findings.limit || refuses === true) this.violations.push({ rule, type, path, message })
    else this.omitted++
  }
}

/** Most keys: nothing of them is to be mended. */
const plain = /^[\w. -]{1,60}$/

/** A path one step further: a JSON pointer (RFC 6901). */
export function under(path: string, key: string | number): string {
  return `${path}/${typeof key === 'number' || plain.test(key) ? key : quoted(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** A text as a message or a path may show it: short, and of characters that can be held. */
export function quoted(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 59)}…` : text
  return short.toWellFormed().replaceAll('\0', '\uFFFD')
}
