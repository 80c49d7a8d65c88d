// IAB consent strings, decoded in a process that may be ended: see there.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Fault } from '../../../fault.ts'

/** A string of one section (`tcfeuv2`, `uspv1`, …), or without `section` a whole GPP string. */
export interface StringToDecode {
  readonly section?: string
  readonly text: string
}

export interface DecodedSection {
  readonly section: string
  readonly fields: Record<string, unknown>
}

export type DecodedString = { readonly sections: readonly DecodedSection[] } | { readonly problem: string }

/** Milliseconds that one string may take, with the start of the process. */
const LIMIT = 5000

export class ConsentStrings {
  #process: ChildProcess | undefined
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  /** Decodes one string; one at a time. Throws `invalid` with what is wrong with it. */
  read(job: StringToDecode): Promise<readonly DecodedSection[]> {
    const turn = this.#last.then(() => this.#decode(job))
    this.#last = turn.catch(() => {})
    return turn
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  async #decode(job: StringToDecode): Promise<readonly DecodedSection[]> {
    if (this.#closed) throw new Fault('unavailable', 'the server is stopping')
    const child = (this.#process ??= this.#start())
    const tooMuch: DecodedString = { problem: 'it takes more memory or time than such a string may' }
    const answer = await new Promise<DecodedString>((resolve) => {
      const timer = setTimeout(() => resolve(tooMuch), LIMIT)
      const done = (said: DecodedString): void => {
        clearTimeout(timer)
        resolve(said)
      }
      child.removeAllListeners()
      child.once('message', (said) => done(said as DecodedString))
      child.once('error', () => done(tooMuch))
      child.once('exit', () => done(tooMuch))
      child.send(job, (error) => error && done(tooMuch))
    })
    if ('sections' in answer) return answer.sections
    // One that did not answer in time may still be at it.
    if (answer === tooMuch) await this.#end()
    throw new Fault('invalid', `the consent string does not decode: ${answer.problem}`)
  }

  async #end(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.removeAllListeners().on('error', () => {})
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  #start(): ChildProcess {
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
    const child = fork(fileURLToPath(new URL(`./consent-strings-process${extension}`, import.meta.url)), [], {
      execArgv: ['--max-old-space-size=128'],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Dates stay dates.
      serialization: 'advanced',
    })
    // It ends with the channel; nobody waits for it at the end.
    child.unref()
    child.channel?.unref()
    return child
  }
}
