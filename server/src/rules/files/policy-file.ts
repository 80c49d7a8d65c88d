// Policies as files: YAML that is read by a schema, with errors that point at the line.
import type { DeclaredKind } from '@whence/sdk'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { Fault } from '../../fault.ts'

/** A kind of policy: how its files call themselves, how they are read, and what each of their rules says in one line. */
export interface PolicyForm<Policy extends { name: string }> {
  /** Names the kind in plans and, with `/1`, its records. */
  readonly kind: PolicyKind
  /** What stands behind `kind:` in a file. */
  readonly word: string
  /** What a person calls it. */
  readonly title: string
  /** Throws `invalid`, naming the file, the line and what must stand there. */
  parse(text: string, file: string): Policy
  rules(policy: Policy): string[]
}

export type PolicyKind = Exclude<DeclaredKind, 'contract' | 'view'>

/** Reads a file by a schema. A fault names the file, the line and what must stand there. */
export function readPolicyFile<S extends z.ZodType>(schema: S, text: string, file: string): z.output<S> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined
      if (node?.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  const [flaw] = document.errors
  if (flaw) throw new Fault('invalid', `${file} line ${lines.linePos(flaw.pos[0]).line}: ${flaw.message}`)
  const read = schema.safeParse(document.toJS())
  if (read.success) return read.data
  const sentences = read.error.issues.map((issue) => {
    const where = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
    return `${file} line ${lineOf(where)}: ${issue.path.map(String).join('.') || 'the policy'}: ${issue.message}`
  })
  throw new Fault('invalid', sentences.join('\n'))
}

/** Whether a name is meant by a pattern in which `*` is any characters and `?` one. Linear in the name. */
export function matches(pattern: string, name: string): boolean {
  let [p, n] = [0, 0]
  let [star, mark] = [-1, 0]
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++
      mark = n
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
