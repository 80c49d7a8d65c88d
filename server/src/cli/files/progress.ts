import { cut, number } from '../../govern/reports/text.ts'
import type { Context } from '../context.ts'
import type { Source } from './source.ts'
import type { Tally } from './tally.ts'

/** A line on the terminal that is written over again and again; nothing where there is no terminal. */
export class Progress {
  readonly #context: Context
  readonly #stream: string
  readonly #began: number
  #last = -Infinity

  constructor(context: Context, stream: string) {
    this.#context = context
    this.#stream = stream
    this.#began = context.now().getTime()
  }

  get seconds(): number {
    return Math.max(0.001, (this.#context.now().getTime() - this.#began) / 1000)
  }

  show(source: Source, { accounting }: Tally): void {
    const now = this.#context.now().getTime()
    if (!this.#context.isTTY.stderr || now - this.#last < 100) return
    this.#last = now
    const { received, passed, flagged, quarantined, duplicate } = accounting
    const read = source.size ? bar(source.read / source.size) : `${number(source.read / 1e6, 1)} MB`
    const outcomes = [
      `${number(passed)} passed`,
      flagged > 0 ? `${number(flagged)} flagged` : '',
      quarantined > 0 ? `${number(quarantined)} quarantined` : '',
      duplicate > 0 ? `${number(duplicate)} already recorded` : '',
    ].filter(Boolean)
    const rate = `${number(received / this.seconds, 0)}/s`
    const line = `  ${this.#stream}  ${read}  ${number(received)} events  ${rate}  ${outcomes.join(' · ')}`
    this.#context.stderr(`\r\x1b[2K${cut(line, this.#context.columns - 1)}`)
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#last > -Infinity) this.#context.stderr('\r\x1b[2K')
    this.#last = -Infinity
  }
}

function bar(share: number): string {
  const eighths = Math.round(Math.min(1, share) * 20 * 8)
  const full = Math.floor(eighths / 8)
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!
  return `${('█'.repeat(full) + part).padEnd(20, '░')} ${String(Math.floor(Math.min(1, share) * 100)).padStart(3)} %`
}
