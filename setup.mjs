// Brings the checkout to a state in which the other scripts run. Plain JavaScript for Node 20, because the runtime that
// runs our TypeScript is itself one of the packages installed here.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const lock = `${root}package-lock.json`
const installed = `${root}node_modules/.package-lock.json`

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.error('Installing the packages of package-lock.json (once) …')
  // Not `npm ci`: it refuses a lock without the binaries for other platforms, which a registry need not have.
  const npm = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (npm.status !== 0) {
    console.error('npm install failed; see its message above.')
    process.exit(npm.status ?? 1)
  }
}
