// The programs written by others that our statements are held against: libraries of Go, built here, and of Python, in a
// virtual environment that `WHENCE_STATEMENTS` names. What is lacking is skipped with the reason; with CI=true it fails.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ended, programsOf } from '../running.ts'
import type { Ran } from '../running.ts'

const environment = process.env['WHENCE_STATEMENTS']
export const python = join(programsOf(environment ?? ''), 'python')

export function lackingPython(): string | false {
  if (process.env['CI'] === 'true') return false
  if (environment === undefined) return 'WHENCE_STATEMENTS names no Python environment: see interop/README.md'
  const { status } = spawnSync(python, ['-c', 'import in_toto_attestation, securesystemslib.dsse, prov'])
  return status === 0 ? false : 'the Python of WHENCE_STATEMENTS lacks what interop/statements/requirements.txt names'
}

export function lackingGo(): string | false {
  if (process.env['CI'] === 'true') return false
  return spawnSync('go', ['version']).status === 0 ? false : 'Go is not installed'
}

/** Builds `check/`, and returns its path. */
export function buildCheck(): string {
  const bin = join(import.meta.dirname, '..', '.bin')
  mkdirSync(bin, { recursive: true })
  const program = join(bin, 'check-statements')
  execFileSync('go', ['build', '-o', program, '.'], { cwd: join(import.meta.dirname, 'check'), stdio: 'pipe' })
  return program
}

export function run(program: string, args: readonly string[], input: string): Promise<Ran> {
  return ended(spawn(program, args, { stdio: 'pipe' }), input)
}
