// A YAML document that knows on which line each of its values stands, and the problems found in it.
import { isMap, isNode, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document, Node, Pair } from 'yaml'
import { Fault } from '../../fault.ts'

/** What is wrong with a contract file, where, and what to do. `line` and `column` count from 1. */
export interface ContractProblem {
  file: string
  line: number
  column: number
  message: string
}

/**
 * A contract that cannot be used. The sentence names every problem; `problems` holds them one by one.
 *
 * `touchpoints.yaml:7:5: eventTime names "tme", which is no property; did you mean "time"?`
 */
export class ContractFault extends Fault {
  readonly problems: readonly ContractProblem[]

  constructor(problems: readonly ContractProblem[]) {
    super(
      'invalid',
      problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'),
    )
    this.problems = problems
  }
}

/** The way to a value: keys of maps and positions in lists. */
export type Route = readonly (string | number)[]

const maxBytes = 1 << 20

/** A parsed YAML file. Collects problems by route; `settle` throws them all at once, in the order of the file. */
export class SourceDocument {
  readonly value: unknown
  readonly #file: string
  readonly #document: Document | undefined
  readonly #lines = new LineCounter()
  readonly #problems: ContractProblem[] = []

  constructor(text: string, file: string) {
    this.#file = file
    if (text.length > maxBytes) {
      this.#report(0, 'a contract holds at most 1 MiB; put data elsewhere')
      this.settle()
    }
    try {
      this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, logLevel: 'error' })
      for (const error of this.#document.errors.slice(0, 3)) this.#report(error.pos[0], `no YAML: ${error.message}`)
      this.value = this.#problems.length > 0 ? undefined : this.#document.toJS()
    } catch (error) {
      // Too deeply nested, or aliases that would unfold without end.
      this.#report(0, `no usable YAML: ${error instanceof Error ? error.message : String(error)}`)
    }
    this.settle()
  }

  /** Notes a problem at a value, or at the nearest existing value around it. */
  problem(route: Route, message: string): void {
    this.#report(this.#offset(route), message)
  }

  /** Throws the problems noted so far, if any; the first fifty of them. */
  settle(): void {
    if (this.#problems.length === 0) return
    throw new ContractFault(this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, 50))
  }

  #report(offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset)
    this.#problems.push({ file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), message })
  }

  #offset(route: Route): number {
    let node: unknown = this.#document?.contents
    let offset = begin(node) ?? 0
    for (const step of route) {
      if (isMap(node)) {
        const pair: Pair | undefined = node.items.find((item) => isNode(item.key) && String(item.key) === String(step))
        if (!pair) break
        offset = begin(pair.key) ?? offset
        node = pair.value
      } else if (isSeq(node)) {
        node = node.items[Number(step)]
        offset = begin(node) ?? offset
      } else break
    }
    return offset
  }
}

function begin(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined
}
