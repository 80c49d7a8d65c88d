// The scoring service against a real server: what it answers is on the ledger, and computed again there.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createClient } from '@whence/sdk'
import { createEmitter } from '@whence/sdk/emitter'
import { Site } from '../../journeys/site.ts'
import { scoringService } from './serve.ts'
import { simulate } from './simulate.ts'

const features = ['opens_30d', 'clicks_90d', 'sends_30d']

test('scores at once, records what it has said, and loses nothing', async () => {
  const site = await Site.make()
  try {
    const { client, url } = await site.start()
    const text = (path: string) => readFile(join(import.meta.dirname, path), 'utf8')
    await client.apply({
      files: [
        { path: 'email_events.yaml', text: await text('contracts/email_events.yaml') },
        { path: 'customer_engagement.yaml', text: await text('features/customer_engagement.yaml') },
      ],
    })
    const { lines } = simulate({ customers: 60 })
    await client.ingest('email_events', lines.map((line) => `${line}\n`).join(''))
    await client.registerModel({
      name: 'opens_subject_a',
      predicts: 'opens subject line A',
      view: 'customer_engagement@v1',
      model: {
        form: 'logistic/1',
        intercept: -1,
        features: features.map((name) => ({ name, weight: 0.4, mean: 1, scale: 2, missing: 0 })),
      },
    })
    await client.setAlias('opens_subject_a', 'champion', { version: 1 })
    const issued = await client.issueKey({ name: 'service', scopes: ['ingest', 'read'], source: 'service' })
    const whence = createClient({ url, key: issued.secret })
    const emitter = createEmitter({ url, key: issued.secret, spool: join(site.folder, 'spool') })
    const service = scoringService({ whence, emitter, model: await whence.model('opens_subject_a@champion') })
    service.listen(0, '127.0.0.1')
    await once(service, 'listening')
    const address = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    const ask = async (path: string, body: string): Promise<[number, Record<string, unknown>]> => {
      const answer = await fetch(address + path, { method: 'POST', body })
      return [answer.status, (await answer.json()) as Record<string, unknown>]
    }

    const customers = [...new Set(lines.flatMap((line) => /"customer_id":"(C-\d+)"/.exec(line)?.[1] ?? []))]
    const said: { prediction: string; score: number }[] = []
    for (const customer_id of customers.slice(0, 30)) {
      const [status, { score, prediction }] = await ask('/score', JSON.stringify({ customer_id }))
      assert.equal(status, 200)
      if (score !== null) said.push({ prediction: prediction as string, score: score as number })
    }
    assert.ok(said.length > 20, `${said.length} were scored`)
    assert.deepEqual(await ask('/score', '{"customer_id":"nobody"}'), [200, { score: null }])
    assert.equal((await ask('/score', '{')).at(0), 400)
    assert.equal((await ask('/score', '{}')).at(0), 400)
    assert.equal((await ask('/nothing', '{}')).at(0), 404)
    const event = { ...(JSON.parse(lines[0]!) as object), event_id: 'e-service', customer_id: customers.at(-1) }
    assert.deepEqual(await ask('/events', JSON.stringify(event)), [202, {}])

    await new Promise((resolve) => service.close(resolve))
    const { streams } = await emitter.close()
    assert.equal(streams['whence.predictions']!.recorded, said.length)
    assert.equal(streams['email_events']!.recorded, 1)
    const { emitters } = await client.emitters({})
    assert.ok(emitters.length > 0 && emitters.every(({ unexplained }) => unexplained === 0))
    for (const { prediction, score } of [said[0]!, said.at(-1)!]) {
      const explained = await client.explain(prediction)
      // No snapshot stands behind it: what it was made from is the service's word, and that is said.
      assert.deepEqual([explained.score.stored, explained.score.truth], [score, 'asserted'])
      assert.ok(explained.alerts.some(({ text }) => text.startsWith('No feature snapshot is named')))
    }
    // What was served is what offline gives for the same instants.
    const skew = await client.skew({})
    const mismatches = skew.views.flatMap((view) => view.features.map(({ mismatch }) => mismatch))
    assert.equal(skew.compared, said.length)
    assert.deepEqual([mismatches.length, new Set(mismatches)], [features.length, new Set([0])])
  } finally {
    await site.remove()
  }
})
