// Programs of others as children of ours, and the virtual environments of Python in which they live.
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where a virtual environment has its programs. */
export function programsOf(folder: string): string {
  return join(folder, process.platform === 'win32' ? 'Scripts' : 'bin')
}

/** Our environment, without what would point a program elsewhere. */
export function environmentWithout(names: RegExp): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.test(name)))
}

/** What a child did with its input, at its end. Rejects where it could not be started. */
export async function ended(child: ChildProcess, input = ''): Promise<Ran> {
  // A program that does not read ends the pipe: nothing is wrong with that.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { code, stdout, stderr }
}
