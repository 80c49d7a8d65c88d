// A listmonk server, by its HTTP API: campaigns, their status, and how many messages went out.
import { campaignOf } from './far-system.ts'
import type { FarSystem } from './far-system.ts'
import { request } from './request.ts'
import type { NoReply, Reached } from './request.ts'

/** Campaigns of one request, and requests at most. */
const [PAGE, PAGES] = [50, 100]

/** `ids`: the numbers of campaigns by their names here; others are looked up by name. */
export function listmonkSystem(reached: Reached, ids: ReadonlyMap<string, string>): FarSystem {
  const ask = (path: string[], query?: Record<string, string>) =>
    request(reached, { method: 'GET', path: ['api', ...path], ...(query === undefined ? {} : { query }) })

  async function found(name: string): Promise<{ value: Record<string, unknown> } | NoReply> {
    const id = ids.get(name)
    if (id !== undefined) {
      const reply = await ask(['campaigns', id], { no_body: 'true' })
      if ('failure' in reply) return reply
      return dataOf(reply.value) ?? { failure: 'refused', reason: 'it has no such campaign' }
    }
    // All of them are looked at: the search of a listmonk does not find every name (1.1 none with a space in it).
    const named: Record<string, unknown>[] = []
    for (let page = 1; ; page++) {
      const reply = await ask(['campaigns'], { page: String(page), per_page: String(PAGE), no_body: 'true' })
      if ('failure' in reply) return reply
      const results = dataOf(reply.value)?.value.results
      if (!Array.isArray(results)) return { failure: 'unintelligible', reason: 'its answer lists no campaigns' }
      for (const one of results) if (isObject(one) && one.name === name) named.push(one)
      if (results.length < PAGE) break
      if (page === PAGES)
        return { failure: 'refused', reason: 'it has too many campaigns: give the number of this one under campaigns' }
    }
    const [only] = named
    if (only === undefined) return { failure: 'refused', reason: 'it has no campaign of this name' }
    if (named.length > 1)
      return {
        failure: 'refused',
        reason: `it has ${named.length} campaigns of this name: give the number of the one that is meant under campaigns`,
      }
    return { value: only }
  }

  return {
    async campaign(name) {
      const one = await found(name)
      return 'failure' in one ? one : campaignOf(one.value.status, one.value.sent, one.value.to_send)
    },

    async setStatus(name, status) {
      const one = await found(name)
      if ('failure' in one) return one
      const { id, status: now } = one.value
      if (!Number.isSafeInteger(id)) return { failure: 'unintelligible', reason: 'it shows no id of the campaign' }
      // What is scheduled cannot be paused there, only made a draft again: that stops it just so.
      const wished = status === 'paused' && now === 'scheduled' ? 'draft' : status
      const path = ['api', 'campaigns', String(id), 'status']
      return request(reached, { method: 'PUT', path, body: { status: wished } })
    },

    read: async () => ({ failure: 'refused', reason: 'a listmonk owns campaigns only' }),
    write: async () => ({ failure: 'refused', reason: 'a listmonk owns campaigns only' }),
  }
}

function dataOf(body: unknown): { value: Record<string, unknown> } | undefined {
  return isObject(body) && isObject(body.data) ? { value: body.data } : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
