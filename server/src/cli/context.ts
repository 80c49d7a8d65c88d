import { createInterface } from 'node:readline/promises'
import { stderr, stdin, stdout } from 'node:process'
import type { Client } from '@whence/sdk'

/** A server to talk to: one that runs, or one started for this command alone. Close it in any case. */
export type Connection = { client: Client; close(): Promise<void> }

/**
 * Everything that a command touches of the world. `connect` promises a server on the data folder: the running one that
 * its lock file names, else one in this process, which is stopped again by `close`.
 */
export type Context = {
  stdout(text: string): void
  stderr(text: string): void
  stdin: AsyncIterable<Uint8Array>
  isTTY: { stdin: boolean; stdout: boolean; stderr: boolean }
  columns: number
  color: boolean
  env: Record<string, string | undefined>
  now(): Date
  cwd: string
  connect(dataFolder: string, options?: { source?: string }): Promise<Connection>
  /** Puts a question on the terminal and gives the line that was typed. */
  ask(question: string): Promise<string>
  /** Calls `listener` at the first interrupt instead of ending the process; gives the function that takes it away. */
  onInterrupt(listener: () => void): () => void
}

/** The context of this process and its terminal. */
export function processContext(connect: Context['connect']): Context {
  return {
    stdout: (text) => void stdout.write(text),
    stderr: (text) => void stderr.write(text),
    stdin,
    isTTY: { stdin: stdin.isTTY ?? false, stdout: stdout.isTTY ?? false, stderr: stderr.isTTY ?? false },
    columns: stdout.columns ?? stderr.columns ?? 100,
    color: wantsColor(process.env, stdout.isTTY ?? false),
    env: process.env,
    now: () => new Date(),
    cwd: process.cwd(),
    connect,
    async ask(question) {
      const lines = createInterface({ input: stdin, output: stderr })
      try {
        return await lines.question(question)
      } finally {
        lines.close()
      }
    },
    onInterrupt(listener) {
      process.once('SIGINT', listener)
      return () => process.off('SIGINT', listener)
    },
  }
}

/** https://no-color.org and https://force-color.org: NO_COLOR wins where it is set to anything. */
export function wantsColor(env: Record<string, string | undefined>, isTTY: boolean): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return isTTY && env.TERM !== 'dumb'
}
