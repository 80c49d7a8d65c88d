// Publication falls behind, more than may wait is durable and unpublished, and what comes then is refused: a provider is told
// 503, tries again, and in the end everything that it told is on record once, and was obeyed.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { localFiles } from '../server/src/store/files.ts'
import type { Files } from '../server/src/store/files.ts'
import { environment, event, files, message, sent, tell } from './mailing.ts'
import type { MailEvent } from './mailing.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

/** A disk that publishes nothing while it is held: journal and tables go on. */
class HeldPublication {
  readonly files: Files
  #held: Promise<void> = Promise.resolve()
  #release: () => void = () => {}

  constructor() {
    const disk = localFiles()
    this.files = {
      ...disk,
      replace: async (path, bytes, options) => {
        if (path.endsWith('/log/checkpoint')) await this.#held
        return disk.replace(path, bytes, options)
      },
    }
  }

  hold(): void {
    this.#held = new Promise((resolve) => (this.#release = resolve))
  }

  letGo(): void {
    this.#release()
  }
}

const EVENTS = 3000
/** So many people complain, each of whom something more was queued for. */
const PEOPLE = 12
const limits = { unpublishedBytes: 100_000 }

let site: Site
let server: Running
let disk: HeldPublication

before(async () => {
  site = await Site.make()
  disk = new HeldPublication()
  server = await site.start({ environment, files: disk.files, ledger: { limits, publishEvery: 20 } })
  await server.client.apply({ files })
})
after(() => {
  disk?.letGo()
  return site?.remove()
})

/** As a provider posts: again and again until it is told that it was heard. */
async function insist(told: MailEvent, refused: (retryAfter: string | null) => void): Promise<Record<string, unknown>> {
  for (;;) {
    const { status, body, headers } = await tell(server.url, told)
    if (status === 200) return body
    assert.equal(status, 503, JSON.stringify(body))
    refused(headers.get('retry-after'))
    await wait(5)
  }
}

test('a burst of thousands while publication stands still is refused in part, and recorded once in the end', async () => {
  for (let n = 0; n < PEOPLE; n++) await sent(server.client, `burst-${n}`, `c-burst-${n}`)
  await server.client.proposeAll(Array.from({ length: PEOPLE }, (_, n) => message(`burst-next-${n}`, `c-burst-${n}`)))
  // The first outcome of all puts the contract of outcomes into force.
  await tell(server.url, event('delivered', 'burst-0'))
  const before = (await server.client.status()).size
  const all = Array.from({ length: EVENTS }, (_, n) => {
    const complains = n % (EVENTS / PEOPLE) === 0
    return event(complains ? 'spam_complaint' : n % 2 === 0 ? 'opened' : 'clicked', `burst-${n % PEOPLE}`, {
      id: `burst-event-${n}`,
      message: `m-burst-${complains ? n / (EVENTS / PEOPLE) : n % PEOPLE}`,
      recipient: `c-burst-${complains ? n / (EVENTS / PEOPLE) : n % PEOPLE}@example.com`,
    })
  })
  // Every tenth is told twice, and the order is not that of what happened.
  const queue = [...all, ...all.filter((_, n) => n % 10 === 0)].sort((a, b) => (hashOf(a.id) < hashOf(b.id) ? -1 : 1))
  let [refused, answered, held, times] = [0, 0, true, 1]
  disk.hold()
  const heard = (retryAfter: string | null): void => {
    assert.equal(retryAfter, '1')
    refused++
    if (held && refused >= 100 * times) {
      held = false
      disk.letGo()
    }
  }
  let [recorded, duplicate] = [0, 0]
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const body = await insist(next, heard)
        assert.equal(Number(body.recorded) + Number(body.duplicate), 1, JSON.stringify(body))
        recorded += Number(body.recorded)
        duplicate += Number(body.duplicate)
        // Once more, half way.
        if (++answered === all.length / 2) {
          times = Math.ceil(refused / 100) + 1
          held = true
          disk.hold()
        }
      }
    }),
  )
  assert.ok(refused >= 200, `${refused} were refused`)
  // One that was durable when what it demands was refused is a duplicate when it comes again: never a second record.
  assert.ok(recorded <= EVENTS)
  assert.equal(recorded + duplicate, EVENTS + EVENTS / 10)
  await holds(before)
})

test('what was told is the same after a restart and when the tables are made again', async () => {
  const { size } = await server.client.status()
  await server.stop()
  await site.forgetTables()
  disk = new HeldPublication()
  server = await site.start({ environment, files: disk.files, ledger: { limits } })
  assert.equal((await server.client.status()).size, size)
  await holds()
})

async function holds(before?: number): Promise<void> {
  const { client } = server
  const { groups } = await client.outcomeCounts({ by: 'provider' })
  const outcomes = groups.flatMap((group) => Object.values(group.outcomes))
  assert.equal(
    outcomes.reduce((sum, { events }) => sum + events, 0),
    EVENTS + 1,
  )
  const { records, size } = await client.status()
  // Each complaint is an opt-out, once; and nothing else came of the burst.
  if (before !== undefined) assert.equal(size - before, EVENTS + PEOPLE, JSON.stringify(records))
  for (let n = 0; n < PEOPLE; n++) assert.equal((await client.action(`burst-next-${n}`)).state, 'suppressed')
  assert.deepEqual((await client.verify()).problems, [])
}

/** An order that has nothing to do with that of the events, and is the same in every run. */
function hashOf(id: string): number {
  return Buffer.from(id).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5)
}
