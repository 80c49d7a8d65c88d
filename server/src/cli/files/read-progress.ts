import { cut, number } from '../../govern/reports/text.ts'
import type { Context } from '../context.ts'

/** How much of a file has been sent: a line on the terminal that is written over again and again. */
export class ReadProgress {
  readonly #context: Context
  readonly #name: string
  readonly #size: number | undefined
  readonly #began: number
  #read = 0
  #last = -Infinity

  constructor(context: Context, name: string, size: number | undefined) {
    this.#context = context
    this.#name = name
    this.#size = size
    this.#began = context.now().getTime()
  }

  get seconds(): number {
    return Math.max(0.001, (this.#context.now().getTime() - this.#began) / 1000)
  }

  /** The same bytes, counted as they are taken. */
  async *counting(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#read = 0
    for await (const chunk of chunks) {
      this.#read += chunk.length
      this.#show()
      yield chunk
    }
    this.#show(true)
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#last > -Infinity) this.#context.stderr('\r\x1b[2K')
    this.#last = -Infinity
  }

  #show(whole = false): void {
    const now = this.#context.now().getTime()
    if (!this.#context.isTTY.stderr || (now - this.#last < 100 && !whole)) return
    this.#last = now
    const share = this.#size ? ` of ${number(this.#size / 1e6, 1)}` : ''
    const what = whole ? 'sent; being recorded …' : `${number(this.#read / 1e6 / this.seconds, 1)} MB/s`
    const line = `  ${this.#name}  ${number(this.#read / 1e6, 1)}${share} MB  ${what}`
    this.#context.stderr(`\r\x1b[2K${cut(line, this.#context.columns - 1)}`)
  }
}
