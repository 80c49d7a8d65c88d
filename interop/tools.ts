// The programs written by others that our logs are held against, each at one version.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname
const bin = join(here, '.bin')

const FSCK = 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4'

/** Whether Go, with which these programs are built, is on the path. */
export function goIsHere(): boolean {
  return spawnSync('go', ['version']).status === 0
}

/** Builds Tessera's fsck, which recomputes a whole log, and returns its path. */
export function buildFsck(): string {
  return once('fsck', () => {
    const env = { ...process.env, GOBIN: bin }
    execFileSync('go', ['install', FSCK], { cwd: here, env, stdio: 'pipe' })
  })
}

/** Builds omniwitness, at the version of witness/go.mod, and returns its path. */
export function buildOmniwitness(): string {
  return build('witness', 'github.com/transparency-dev/witness/cmd/omniwitness', 'omniwitness')
}

/** Builds our checker over golang.org/x/mod/sumdb, and returns its path. */
export function buildCheck(): string {
  return build('check', '.', 'check')
}

function build(folder: string, what: string, name: string): string {
  const args = ['build', '-o', join(bin, name), what]
  return once(name, () => execFileSync('go', args, { cwd: join(here, folder), stdio: 'pipe' }))
}

const built = new Set<string>()

/** Builds a program once a process: also when there is nothing to do, Go takes half a second to see it. */
function once(name: string, run: () => void): string {
  if (!built.has(name)) {
    mkdirSync(bin, { recursive: true })
    run()
    built.add(name)
  }
  return join(bin, name)
}
