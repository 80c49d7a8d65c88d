// Opt-outs that race claims: many callers at once, in orders that chance decides. From the moment at which an opt-out is
// acknowledged nothing of that person is given to a sender; and the log bears it out.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { purposes } from '../messages.ts'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'

/** One a person: on PostgreSQL as many as are promised, elsewhere enough to see it. */
const PEOPLE = process.env.DATABASE_URL ? 10_000 : 1500
const TOGETHER = 100
const SENDERS = 4

let site: Site
let server: Running

before(async () => {
  site = await Site.make()
  server = await site.start()
  await server.client.apply({ files: [purposes] })
})
after(() => site.remove())

test('no interleaving gives out a message after the opt-out was acknowledged', { timeout: 580_000 }, async () => {
  const clients = Array.from({ length: SENDERS }, () => createClient({ url: server.url, key: server.token }))
  /** Of each person the position of the objection, once it was acknowledged. */
  const objected = new Map<string, number>()
  const given: { entity: string; claim: number }[] = []
  let [claimedBefore, suppressed] = [0, 0]

  const sender = async (by: Client, until: Promise<unknown>): Promise<void> => {
    let going = true
    void until.finally(() => (going = false))
    while (going) {
      const { claims } = await by.claim({ limit: 1 + Math.floor(Math.random() * 20) })
      for (const { entity, claim } of claims) given.push({ entity: entity!, claim })
      if (claims.length > 0 && Math.random() < 0.7)
        await by.acknowledge(claims.map(({ claim }) => ({ claim, status: Math.random() < 0.1 ? 'returned' : 'sent' })))
      await sleep(Math.random() * 6)
    }
  }

  for (let from = 0; from < PEOPLE; from += TOGETHER) {
    const people = Array.from({ length: TOGETHER }, (_, i) => `p-${from + i}`)
    const acting = Promise.all(
      people.map(async (entity) => {
        await sleep(Math.random() * 40)
        const [by] = [clients[Math.floor(Math.random() * SENDERS)]!]
        const propose = () =>
          by.propose({
            id: `m-${entity}`,
            type: 'send',
            actor: { type: 'service', id: 'mailer' },
            entity,
            channel: 'email',
            purpose: 'newsletter',
          })
        const object = async (): Promise<void> => {
          const { seq } = await by.object({ identifier: entity, purpose: 'marketing' })
          objected.set(entity, seq)
        }
        if (Math.random() < 0.1) await Promise.all([propose(), object()])
        else {
          await propose()
          await sleep(Math.random() * 25)
          await object()
        }
      }),
    )
    await Promise.all(clients.map((client) => sender(client, acting)))
    await acting
  }
  for (const { entity, claim } of given) {
    assert.ok(claim < objected.get(entity)!, `${entity}: claim ${claim} after the objection ${objected.get(entity)}`)
    claimedBefore++
  }
  suppressed = PEOPLE - new Set(given.map(({ entity }) => entity)).size
  assert.ok(claimedBefore > 0 && suppressed > 0, 'both happened: some were first, some were late')
  assert.deepEqual((await server.client.claim({ limit: 1000 })).claims, [], 'nobody is left')
  const { ok, problems, checked } = await server.client.verify()
  assert.ok(ok, JSON.stringify(problems.slice(0, 3)))
  assert.ok(checked.claims! >= claimedBefore)
})
