// Where MLflow and Feast are: a virtual environment of Python each, named by WHENCE_MLFLOW and WHENCE_FEAST. Without them
// the tests skip themselves; with CI=true they fail instead.
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { ended, environmentWithout, programsOf } from '../running.ts'

/** A virtual environment by its variable, and a module that it must have. */
export class Environment {
  readonly #bin: string
  readonly lacking: string | false

  constructor(variable: string, module: string) {
    const folder = process.env[variable]
    this.#bin = programsOf(folder ?? '')
    const found = folder !== undefined && spawnSync(this.program('python'), ['-c', `import ${module}`]).status === 0
    this.lacking =
      found || process.env.CI === 'true'
        ? false
        : `${variable} names no Python environment with ${module}: see interop/README.md`
  }

  program(name: string): string {
    return join(this.#bin, name)
  }

  get #env(): NodeJS.ProcessEnv {
    return {
      ...environmentWithout(/^(MLFLOW|FEAST|WHENCE|NODE_TEST)_/),
      PATH: `${this.#bin}:${process.env.PATH}`,
      DO_NOT_TRACK: '1',
      MLFLOW_DISABLE_TELEMETRY: 'true',
      FEAST_USAGE: 'False',
      PYTHONDONTWRITEBYTECODE: '1',
    }
  }

  /** Runs a program to its end and gives what it printed; throws with what it complained of. */
  async run(cwd: string, program: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const child = spawn(this.program(program), args, {
      cwd,
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { code, stdout, stderr } = await ended(child)
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr.slice(-2000)}`)
    return stdout
  }

  /** Starts a program that serves; `stop` ends it with all of its children. */
  serve(
    cwd: string,
    program: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): ChildProcess & { stop(): void } {
    const child = spawn(this.program(program), args, {
      cwd,
      env: { ...this.#env, ...env },
      stdio: 'ignore',
      detached: true,
    })
    return Object.assign(child, {
      stop() {
        try {
          process.kill(-child.pid!, 'SIGKILL')
        } catch {}
      },
    })
  }
}
