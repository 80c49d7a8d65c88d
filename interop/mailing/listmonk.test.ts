// A mailing system that we did not write, driven through a connector: a rollback pauses its running campaign, and its counts
// are confirmed by what it says afterwards and by what arrives.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { lackingListmonk, password, startListmonk, user } from './listmonk.ts'
import type { Listmonk } from './listmonk.ts'

const SUBSCRIBERS = 300

suite('a campaign of a listmonk', { skip: lackingListmonk() }, () => {
  let arrived = 0
  const mailbox = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _, done) {
      stream.resume().once('end', () => {
        arrived++
        setTimeout(done, 20)
      })
    },
  })
  mailbox.on('error', () => {})
  let listmonk: Listmonk
  let site: Site
  let server: Running
  let list = 0

  before(async () => {
    const listening = mailbox.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    listmonk = await startListmonk((listening.address() as AddressInfo).port)
    ;({ id: list } = await listmonk.ask('POST', 'lists', { name: 'readers', type: 'private', optin: 'single' }))
    for (let n = 0; n < SUBSCRIBERS; n += 20)
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          listmonk.ask('POST', 'subscribers', {
            email: `reader-${n + i}@example.com`,
            name: 'reader',
            status: 'enabled',
            lists: [list],
          }),
        ),
      )
    site = await Site.make({ WHENCE_CONNECTOR_USER: user, WHENCE_CONNECTOR_TOKEN: password })
    server = await site.start()
    const credentials = '{ user: WHENCE_CONNECTOR_USER, password: WHENCE_CONNECTOR_TOKEN }'
    await server.client.apply({
      files: [
        {
          path: 'mailing.yaml',
          text: `kind: Connector\nname: mailing\ntype: listmonk\nurl: ${listmonk.url}\nowns: { campaigns: ['Spring *'] }\ncredentials: ${credentials}\nconfirmWithin: 20s\n`,
        },
      ],
    })
  })
  after(async () => {
    await site?.remove()
    await listmonk?.stop()
    for (const connection of mailbox.connections) connection.close()
    await new Promise<void>((resolve) => mailbox.close(() => resolve()))
  })

  const campaign = async (name: string) => {
    const { id } = await listmonk.ask('POST', 'campaigns', {
      name,
      subject: 'Spring is here',
      lists: [list],
      from_email: 'Shop <news@shop.example>',
      type: 'regular',
      content_type: 'html',
      messenger: 'email',
      body: '<p>Spring is here.</p>',
      tags: [],
    })
    return id
  }
  const rollback = async (name: string) => {
    const request = { kind: 'campaign' as const, name, reason: 'a wrong discount', degrees: ['pause' as const] }
    const { id } = await server.client.planRollback(request)
    return server.client.applyRollback({ ...request, plan: id })
  }

  test('that runs is paused by a rollback, and its counts are what it and the mailbox say', async () => {
    const id = await campaign('Spring sale')
    await listmonk.ask('PUT', `campaigns/${id}/status`, { status: 'running' })
    while (arrived < 20) await wait(50)
    const running = await server.client.connectedState({ kind: 'campaign', id: 'Spring sale' })
    assert.deepEqual([running.state, running.value, running.counts?.toSend], ['answered', 'running', SUBSCRIBERS])

    const done = await rollback('Spring sale')
    assert.deepEqual(
      done.steps.map(({ do: what, state }) => [what, state]),
      [
        ['pause', 'done'],
        ['pause in system', 'done'],
      ],
    )
    const told = done.steps[1]!.detail as { confirmation: string; counts: { status: string; sent: number } }
    const shown = await listmonk.ask('GET', `campaigns/${id}`)
    assert.equal(shown.status, 'paused')
    assert.ok(shown.sent >= 20 && shown.sent < SUBSCRIBERS, `${shown.sent} were sent`)
    assert.deepEqual([told.confirmation, told.counts.status, told.counts.sent], ['confirmed', 'paused', shown.sent])

    // What its workers held goes out still; then nothing does.
    let last = -1
    while (arrived !== last) {
      last = arrived
      await wait(1500)
    }
    assert.ok(arrived < SUBSCRIBERS, `${arrived} arrived`)
    const { counts } = await server.client.connectedState({ kind: 'campaign', id: 'Spring sale' })
    assert.deepEqual([counts?.status, counts?.sent], ['paused', (await listmonk.ask('GET', `campaigns/${id}`)).sent])
    const { ok, problems } = await server.client.verify()
    assert.deepEqual([ok, problems], [true, []])
  })

  test('that was never started is left a draft, and one that it does not have is a step that failed', async () => {
    const id = await campaign('Spring later')
    const left = await rollback('Spring later')
    assert.equal(left.state, 'done')
    assert.equal((await listmonk.ask('GET', `campaigns/${id}`)).status, 'draft')
    const lacking = await rollback('Spring of nobody')
    assert.deepEqual([lacking.state, lacking.steps[1]!.state], ['stopped', 'failed'])
    assert.match(lacking.steps[1]!.says, /it has no campaign of this name/)
  })
})
