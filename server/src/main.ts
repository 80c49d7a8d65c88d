#!/usr/bin/env node
// The program `whence`. A server and the commands that start, move or repair one are loaded when they are asked for: what
// only talks to a server is done before all of that were read.
import { createClient } from '@whence/sdk'
import { runCli } from './cli/cli.ts'
import type { Connection } from './cli/context.ts'
import { processContext } from './cli/context.ts'
import { patientFetch } from './cli/patient-fetch.ts'
import { readConfig } from './config.ts'
import type { Server, StartOptions } from './server.ts'
import { readLock } from './store/lock.ts'

async function start(
  folder: string,
  options?: StartOptions & { host?: string | undefined; port?: string | undefined },
): Promise<Server> {
  const { startServer } = await import('./server.ts')
  return startServer(readConfig(folder, process.env, options), options)
}

/** A client for commands: of the server that holds the folder, or of one started here for the length of the command. */
async function connect(folder: string): Promise<Connection> {
  const running = readLock(folder)
  if (running?.url && running.token)
    return {
      client: createClient({ url: running.url, key: running.token, fetch: patientFetch }),
      close: async () => {},
    }
  const server = await start(folder, { private: true })
  if (server.adminKey)
    process.stderr.write(`whence: a new log was begun in ${folder}; its admin key, shown once: ${server.adminKey}\n`)
  return {
    client: createClient({ url: server.url, key: server.token, fetch: patientFetch }),
    close: () => server.stop(),
  }
}

process.exitCode = await runCli(process.argv.slice(2), processContext(connect), {
  up: async () => [(await import('./cli/up.ts')).up(start)],
  demo: async () => [(await import('./cli/demo.ts')).demo],
  rebuild: async () => [(await import('./cli/rebuild.ts')).rebuild(start)],
  backup: async () => [(await import('./cli/backup.ts')).backup],
  restore: async () => [(await import('./cli/restore.ts')).restore(start)],
  drill: async () => [(await import('./cli/drill.ts')).drill((await import('./server.ts')).startServer)],
  async recover() {
    const [{ recover }, { recoverFolder }] = await Promise.all([
      import('./cli/recover.ts'),
      import('./wiring/recover.ts'),
    ])
    return [recover((folder) => recoverFolder(readConfig(folder, process.env)))]
  },
  verify: async () => [(await import('./cli/verify.ts')).verify],
})
