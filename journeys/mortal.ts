// Loaded before a process (`node --import`): it dies at the nth change of a file from the moment on at which it touches a
// path that ends in MORTAL_FROM. With MORTAL_AT unset it lives, and says at its end how many changes there were.
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { writeFileSync } from 'node:fs'

const from = process.env.MORTAL_FROM!
const last = Number(process.env.MORTAL_AT ?? Infinity)
let begun = false
const changes: string[] = []

function change(what: string, path: string): void {
  begun ||= path.includes(from)
  if (!begun) return
  if (changes.length === last) process.kill(process.pid, 'SIGKILL')
  changes.push(`${what} ${path}`)
}

const real = { open: fs.open, link: fs.link, rename: fs.rename, rm: fs.rm }

Object.assign(fs, {
  async open(path: string, ...rest: [never]) {
    const handle = await real.open(path, ...rest)
    for (const name of ['write', 'writev', 'writeFile', 'sync', 'datasync', 'truncate'] as const) {
      const act = handle[name].bind(handle) as (...args: unknown[]) => unknown
      Object.assign(handle, { [name]: (...args: unknown[]) => (change(name, path), act(...args)) })
    }
    return handle
  },
  link: (old: string, path: string) => (change('link', path), real.link(old, path)),
  rename: (old: string, path: string) => (change('rename', path), real.rename(old, path)),
  rm: (path: string, ...rest: [never]) => (change('rm', path), real.rm(path, ...rest)),
})
syncBuiltinESMExports()

if (process.env.MORTAL_REPORT) process.on('exit', () => writeFileSync(process.env.MORTAL_REPORT!, changes.join('\n')))
