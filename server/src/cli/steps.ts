// The steps of a long command, said as they are done.
import { pad, paint, printable } from '../govern/reports/text.ts'
import type { Context } from './context.ts'

/** What came of a step, and whether it is as it should be. */
export type Line = string | { ok: boolean; line: string }

export const verdict = (ok: boolean, line: string): Line => ({ ok, line })

/** Says each step as it is done: a mark, what came of it, how long it took. Nothing under `--json`. */
export class Steps {
  readonly #context: Context
  readonly #silent: boolean
  failed = false

  constructor(context: Context, silent: boolean) {
    this.#context = context
    this.#silent = silent
  }

  async step<T>(name: string, work: () => Promise<T>, say: (result: T) => Line[]): Promise<T> {
    const { stderr, isTTY, now, color, stdout } = this.#context
    const waiting = !this.#silent && isTTY.stderr
    if (waiting) stderr(`\r\x1b[2K  … ${name}`)
    const began = now().getTime()
    const result = await work().finally(() => waiting && stderr('\r\x1b[2K'))
    const lines = say(result).map((line) => (typeof line === 'string' ? { ok: true, line } : line))
    const ok = lines.every((line) => line.ok)
    if (!ok) this.failed = true
    if (this.#silent) return result
    const { green, red, dim } = paint(color)
    const seconds = dim(`${((now().getTime() - began) / 1000).toFixed(1)} s`)
    for (const [i, { line }] of lines.entries()) {
      const head = i === 0 ? `${ok ? green('✓') : red('✗')} ${pad(name, 8)}` : ' '.repeat(10)
      stdout(`  ${head}   ${printable(line)}${i === 0 ? `   ${seconds}` : ''}\n`)
    }
    return result
  }
}
