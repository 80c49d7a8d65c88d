// Agents as files in force: applied, changed, taken out, and asked for as of then.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createAgentKey, formatPublicKey, WhenceError } from '@whence/sdk'
import type { Agents } from '@whence/sdk'
import { Site } from './site.ts'
import type { Running } from './site.ts'

suite('agents in force', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    server = await site.start()
    await mkdir(join(site.folder, 'agents'))
  })
  after(() => site.remove())

  const file = (keys: readonly string[], more = '') => `kind: Agent
name: writer
owner: growth
keys: [${keys.join(', ')}]
configurations:
  spring: { models: ['writer-large@*'], channels: [email] }
${more}`
  const apply = (text: string) => server.client.apply({ files: [{ path: 'agents/writer.yaml', text }] })

  test('a key is replaced: what was in force before is still answered, so that old signatures verify', async () => {
    const [first, second] = await Promise.all([createAgentKey(), createAgentKey()])
    const [a, b] = [first, second].map(({ key }) => formatPublicKey(key.publicKey))
    const { applied } = await apply(file([a!]))
    assert.deepEqual(
      applied.map(({ kind, name, version, change }) => [kind, name, version, change]),
      [['agent', 'writer', 'v1', 'new']],
    )
    const then = (await server.client.status()).size
    await apply(file([b!]))
    const now = await server.client.agent('writer')
    assert.deepEqual([now.version, now.keys.map(({ key }) => key), now.signs], [2, [b], true])
    const before = await server.client.agent('writer', { asOf: then })
    assert.deepEqual([before.version, before.keys[0]!.keyid], [1, first.key.keyid])
    assert.deepEqual((await server.client.agents({ asOf: 0 })).agents, [])
  })

  test('the command line shows them, and signs and verifies with what is in force', async () => {
    const made = await site.whence('agents', 'keygen', join(site.folder, 'key'), '--json')
    const { key } = JSON.parse(made.stdout) as { key: string }
    await apply(file([key]))
    const listed = await site.whence('agents', 'list', '--json')
    const { agents } = JSON.parse(listed.stdout) as Agents
    assert.deepEqual(
      agents.map(({ name, configurations }) => [name, configurations]),
      [['writer', { spring: { models: ['writer-large@*'], channels: ['email'], risk: 'low' } }]],
    )
    assert.match((await site.whence('agents', 'show', 'writer')).stdout, /must be there/)
    const proposal = join(site.folder, 'proposal.json')
    await writeFile(proposal, JSON.stringify({ id: 'a-1', type: 'send', actor: { type: 'agent', id: 'writer' } }))
    const signed = await site.whence('agents', 'sign', proposal, '--key-file', join(site.folder, 'key'), '--envelope')
    const envelope = join(site.folder, 'envelope.json')
    await writeFile(envelope, signed.stdout)
    const verified = await site.whence('agents', 'verify', envelope)
    assert.equal(verified.code, 0, verified.stderr)
    assert.match(verified.stdout, /signed by +writer/)
  })

  test('a file that does not parse leaves the old one in force, and it is said where', async () => {
    const before = await server.client.agents()
    await assert.rejects(
      apply(file(['abc'])),
      (error) => error instanceof WhenceError && error.code === 'invalid' && /line 4/.test(error.message),
    )
    assert.deepEqual((await server.client.agents()).agents, before.agents)
  })

  test('taken out of force, it is gone now and there as of before; the same after a restart and a rebuild', async () => {
    const then = (await server.client.status()).size
    await server.client.apply({ files: [], remove: true })
    const gone = (error: unknown) => error instanceof WhenceError && error.code === 'not_found'
    const holds = async () => {
      await assert.rejects(server.client.agent('writer'), gone)
      assert.equal((await server.client.agent('writer', { asOf: then })).name, 'writer')
    }
    await holds()
    await server.stop()
    server = await site.start({ rebuild: () => {} })
    await holds()
    await assert.rejects(
      server.client.agents({ asOf: 1_000_000 }),
      (error) => error instanceof WhenceError && error.code === 'invalid',
    )
  })
})
