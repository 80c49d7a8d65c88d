// Messages as attributes by number, as instrumentations wrote them before there were lists:
// `gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`.
import { structured } from './messages.ts'
import type { Said } from './said.ts'
import type { Value } from './span.ts'

/** Messages that are read. */
const MOST = 1000

/** Undefined where there are none. */
export function readIndexed(said: Said, prefix: string): Value[] | undefined {
  const messages: Record<string, Value>[] = []
  for (const [rest, value] of said.below(`${prefix}.`)) {
    const [, number, part] = /^(\d{1,3})\.(role|content|finish_reason|tool_calls)$/.exec(rest) ?? []
    if (part === undefined || Number(number) >= MOST) continue
    const message = (messages[Number(number)] ??= {})
    message[part] = structured(value)
  }
  const all = messages.filter((message) => message !== undefined)
  return all.length > 0 ? all : undefined
}
