// The verdict over one event: pure, and quick enough to be asked for every event.
import type { Cell, Contract } from './contract.ts'
import type { Extracted } from './identity.ts'
import { quote } from './text.ts'
import { Findings, worse } from './violation.ts'
import type { Outcome, Rule, Violation } from './violation.ts'

export type { Extracted } from './identity.ts'
export type { Micros } from './time.ts'
export type { Action, Outcome, Rule, Violation, ViolationType } from './violation.ts'

/** The gravest violation decides. `omitted` counts the violations beyond the first hundred. */
export interface Judgement {
  outcome: Outcome
  violations: Violation[]
  omitted?: number
}

/**
 * Judges a parsed event with the problems that reading it found. Never throws.
 *
 * `const { value, problems } = readContent(bytes); judge(contract, value, problems).outcome` is `'passed'`
 */
export function judge(contract: Contract, value: unknown, problems: readonly Violation[] = []): Judgement {
  const findings = new Findings()
  const { builtIn, check, identity } = contract.compiled
  for (const problem of problems) {
    const outcome = builtIn.get(problem.rule)?.outcome ?? problem.outcome
    // Which of two subjects is it about? Content in doubt about its identity is never used.
    findings.take({ ...problem, outcome: identity.has(problem.path) ? worse('quarantine', outcome) : outcome })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) check(value, findings)
  else if (value !== undefined || problems.length === 0) {
    findings.add(builtIn.get('type') as Rule, '', () => `an event is an object, not ${quote(value)}`)
  }
  const { outcome, violations, omitted } = findings
  return omitted === 0 ? { outcome, violations } : { outcome, violations, omitted }
}

/**
 * Reads what an event says about itself by its contract's roles. Works on any value; parts that cannot be read are left
 * out.
 *
 * `extract(contract, {customer_id: 'A1', time: '2018-07-22T20:40:41Z'}).subject` is `'A1'`
 */
export function extract(contract: Contract, value: unknown): Extracted {
  return contract.compiled.extract(value)
}

/**
 * The values of `contract.columns`, in their order: TIMESTAMP as microseconds, BIGINT as bigint, DATE and DECIMAL as
 * text, whatever is absent or of the wrong type as null. Never throws.
 *
 * `columnValues(contract, {time: '1970-01-01T00:00:01Z', channel: 'Facebook'})` is `[1000000n, 'Facebook']`
 */
export function columnValues(contract: Contract, value: unknown): Cell[] {
  return contract.compiled.cells.map((cell) => cell(value))
}
