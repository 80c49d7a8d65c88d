// An agent's discount reaches a regulated segment: complaints rise, a monitor alarms and pauses the campaign, and what can be
// taken back is taken back. Simulated; every figure is counted again from what was sent here, without Whence.
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ActionProposal, Alarm, Claimed, Client, Rollback, RollbackPlan, RollbackReport } from '@whence/sdk'

export const campaign = 'spring-discount'

/** People of the audience, and how many of them are in the regulated segment: the first ones. */
export const audience = { people: 1200, regulated: 900 }
/** How many were sent to before the alarm could be raised; the others are queued still. */
const SENT = 800
const BATCH = 400

export interface Told {
  released: number
  sent: number
  /** Who complained, and so opted out; by their numbers. */
  complained: number[]
  withdrew: number[]
  alarm: Alarm
  automatic: Rollback
  plan: RollbackPlan
  rollback: Rollback
  report: RollbackReport
  /** What senders were still given after the alarm: nothing of the campaign. */
  claimedAfter: Claimed[]
  corrections: Claimed[]
}

/** Hears of each step when it is done. */
export type Say = (step: string, line: string, ok: boolean) => void

const person = (n: number): string => `person-${n}`

export async function tellStory(client: Client, say: Say): Promise<Told> {
  const files = await policies()
  await client.apply({ files })
  let agreed = 0
  for (let from = 0; from < audience.people; from += BATCH) {
    const consents = Array.from({ length: BATCH }, (_, i) => ({
      id: `agreed-${from + i}`,
      identifier: person(from + i),
      state: 'given' as const,
      purposes: [{ purpose: 'offers', channels: ['email'] }],
      notice: { version: '2026-01', language: 'en' },
    }))
    agreed += (await client.recordConsents({ consents })).recorded
  }
  say('consent', `${agreed} people agree to offers by e-mail`, agreed === audience.people)

  let released = 0
  for (let from = 0; from < audience.people; from += BATCH) {
    const answer = await client.proposeAll(Array.from({ length: BATCH }, (_, i) => offer(from + i)))
    released += answer.released
  }
  say(
    'propose',
    `the agent offer-writer proposes ${audience.people} messages: ${released} released`,
    released === audience.people,
  )

  const sent = await send(client, SENT)
  // Before anything is noticed some withdraw, as some always do: one was sent to, one is queued.
  const withdrew = [SENT - 1, SENT + 7]
  await client.optOut({ optOuts: withdrew.map((n) => ({ identifier: person(n) })) })
  say('send', `${sent.length} are sent; ${withdrew.length} people opt out meanwhile`, sent.length === SENT)

  const complained = Array.from({ length: 12 }, (_, i) => i * 31)
  const seen = Array.from({ length: 240 }, (_, i) => i)
  await outcomes(
    client,
    'delivered',
    Array.from({ length: SENT }, (_, n) => n),
  )
  await outcomes(client, 'opened', seen)
  await outcomes(client, 'complained', complained)
  const alarm = await until(
    'the monitor alarms',
    async () => (await client.alarms({ monitor: 'complaints' })).alarms[0],
  )
  say('alarm', alarm.sentence, alarm.group === campaign)

  const automatic = await until('the campaign is paused', async () => {
    const [last] = (await client.rollbacks()).rollbacks
    return last?.state === 'done' ? client.rollback(last.id) : undefined
  })
  const { claims: claimedAfter } = await client.claim({ campaign, limit: 1000 })
  say('pause', `${automatic.steps[0]!.says}; a sender asks and gets ${claimedAfter.length}`, claimedAfter.length === 0)

  const request = {
    kind: 'alarm' as const,
    name: String(alarm.seq),
    reason: 'the discount is not for people under regulated contracts',
    degrees: ['pause' as const, 'revert' as const, 'compensate' as const],
    playbook: 'wrong-offer',
  }
  const plan = await client.planRollback(request)
  say(
    'plan',
    `${plan.scope.actions} decisions about ${plan.scope.people} people; ${plan.steps.length} steps, ${plan.cannot.length} things that cannot be undone`,
    plan.scope.actions === audience.people,
  )

  const rollback = await client.applyRollback({ ...request, plan: plan.id })
  for (const { says, state } of rollback.steps) say('rollback', says, state === 'done')

  const { claims: corrections } = await client.claim({ limit: 1000 })
  const report = await client.rollbackReport(rollback.id)
  say('report', report.sentence, report.state === 'done')
  return {
    released,
    sent: sent.length,
    complained,
    withdrew,
    alarm,
    automatic,
    plan,
    rollback,
    report,
    claimedAfter,
    corrections,
  }
}

function offer(n: number): ActionProposal {
  return {
    id: `offer-${n}`,
    type: 'send',
    actor: { type: 'agent', id: 'offer-writer', configuration: 'spring' },
    environment: 'production',
    campaign,
    creative: '30-percent',
    entity: person(n),
    channel: 'email',
    purpose: 'offers',
    address: `${person(n)}@example.com`,
    segments: n < audience.regulated ? ['regulated'] : [],
    prompt: { template: 'offer', version: '4', keep: 'digest' },
    output: {
      copy: [
        { part: 'subject', text: '30 % off, for you' },
        { part: 'text', text: 'Take 30 % off your contract this spring. Unsubscribe with one click below.' },
      ],
    },
    risk: 'low',
  }
}

async function send(client: Client, how: number): Promise<Claimed[]> {
  const sent: Claimed[] = []
  while (sent.length < how) {
    const { claims } = await client.claim({ campaign, limit: Math.min(BATCH, how - sent.length) })
    if (claims.length === 0) break
    await client.acknowledge(
      claims.map(({ claim, action }) => ({
        claim,
        status: 'sent' as const,
        providerId: `<${action}@mail.example.com>`,
      })),
    )
    sent.push(...claims)
  }
  return sent
}

async function outcomes(
  client: Client,
  type: 'delivered' | 'opened' | 'complained',
  people: readonly number[],
): Promise<void> {
  for (let from = 0; from < people.length; from += BATCH)
    await client.recordOutcomes(
      people
        .slice(from, from + BATCH)
        .map((n) => ({ id: `${type}-${n}`, type, message: `<offer-${n}@mail.example.com>` })),
    )
}

async function policies(): Promise<{ path: string; text: string }[]> {
  const folder = new URL('./policies/', import.meta.url)
  const names = await readdir(folder)
  return Promise.all(
    names
      .sort()
      .map(async (name) => ({ path: name, text: await readFile(fileURLToPath(new URL(name, folder)), 'utf8') })),
  )
}

/** Asks until there is an answer. Throws after a minute. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`within a minute it did not happen that ${what}`)
}
