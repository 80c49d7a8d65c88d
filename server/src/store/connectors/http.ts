// A system that speaks the small form of docs/spec/connectors.md: objects with a value, campaigns with a status.
import { campaignOf } from './far-system.ts'
import type { FarSystem } from './far-system.ts'
import { request } from './request.ts'
import type { Reached } from './request.ts'

/** `ids`: what it calls campaigns that have another name here. */
export function httpSystem(reached: Reached, ids: ReadonlyMap<string, string>): FarSystem {
  const there = (campaign: string): string => ids.get(campaign) ?? campaign
  return {
    async campaign(id) {
      const reply = await request(reached, { method: 'GET', path: ['campaigns', there(id)] })
      if ('failure' in reply) return reply
      if (reply.value === undefined) return { failure: 'refused', reason: 'it has no such campaign' }
      const { status, sent, toSend } = (reply.value ?? {}) as Record<string, unknown>
      return campaignOf(status, sent, toSend)
    },

    setStatus: (id, status) =>
      request(reached, { method: 'PUT', path: ['campaigns', there(id), 'status'], body: { status } }),

    async read(kind, id) {
      const reply = await request(reached, { method: 'GET', path: ['objects', kind, id] })
      if ('failure' in reply || reply.value === undefined) return reply
      const shown = reply.value
      if (typeof shown !== 'object' || shown === null || !Object.hasOwn(shown, 'value'))
        return { failure: 'unintelligible', reason: 'its answer holds no "value"' }
      return { value: (shown as { value: unknown }).value }
    },

    write: (kind, id, value, expected) =>
      request(reached, {
        method: value === undefined ? 'DELETE' : 'PUT',
        path: ['objects', kind, id],
        body: { ...(value === undefined ? {} : { value }), ...(expected === undefined ? {} : { expected }) },
      }),
  }
}
