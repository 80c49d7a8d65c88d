// The door: who may come in, and where it listens.
import { hash, randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import type { Keys } from '../govern/keys/keys.ts'
import { createApi } from '../http/api.ts'
import type { Steps } from '../http/api.ts'
import { createApp, listen } from '../http/server.ts'
import type { Closing } from './closing.ts'

/** The key of a log that has none yet. It is shown once, and its digest kept. */
export async function firstAdminKey(apiKeys: Keys): Promise<string | undefined> {
  if ((await apiKeys.list()).length > 0) return undefined
  return (await apiKeys.issue({ name: 'admin', scopes: ['admin'] }, 'local')).secret
}

/** Opens the door for holders of keys, and for this user's own commands by a token that ends with the server. */
export async function openDoor(
  { host, port }: Pick<Config, 'host' | 'port'>,
  steps: Steps,
  closing: Closing,
): Promise<{ url: string; token: string }> {
  const token = `wl_${randomBytes(32).toString('base64url')}`
  const local = { id: 'local', name: 'local', source: 'local', scopes: ['admin' as const] }
  const localDigest = hash('sha256', token)
  const { handlers, pages } = createApi(steps)
  const app = createApp(handlers, pages, {
    authenticate: async (secret) =>
      hash('sha256', secret) === localDigest ? local : steps.apiKeys.authenticate(secret),
  })
  const door = await listen(app, host, port)
  closing.add(() => door.close())
  return { url: door.url, token }
}
