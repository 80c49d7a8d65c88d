// A running server, held against programs that others wrote: its log over HTTP, its proofs, and a witness that cosigns.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createClient, type Client } from '@whence/sdk'
import { parseTlogProof, verifyCheckpoint } from '@whence/ledger'
import { readConfig } from '../server/src/config.ts'
import { startServer, type Server } from '../server/src/server.ts'
import { fsck } from './fsck.ts'
import { buildCheck, goIsHere } from './tools.ts'
import { startWitness } from './witness/run.ts'

const contract = `
apiVersion: v3.1.0
kind: DataContract
id: sends
version: 1.0.0
status: active
schema:
  - name: sends
    logicalType: object
    properties:
      - { name: id, logicalType: string, required: true }
      - { name: customer, logicalType: string, required: true, classification: personal }
      - { name: time, logicalType: timestamp, required: true }
customProperties:
  - { property: whence, value: { eventId: id, subject: customer, eventTime: time } }
`

describe('a server’s log', { skip: goIsHere() ? false : 'Go is not here' }, () => {
  const home = mkdtempSync(join(tmpdir(), 'interop-server-'))
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(home, name), content)
    return join(home, name)
  }
  let server: Server
  let client: Client
  let vkey = ''
  let older = ''

  before(async () => {
    const env = { ...process.env, WHENCE_STATE: join(home, 'state'), WHENCE_SCHEMA: `interop_${process.pid}` }
    server = await startServer(readConfig(join(home, 'data'), env), { private: true })
    client = createClient({ url: server.url, key: server.token })
    await client.apply({ files: [{ path: 'sends.yaml', text: contract }] })
    vkey = file('log.vkey', server.vkey)
    await ingest(0, 700)
    older = file('older', (await client.status()).checkpoint)
    await ingest(700, 2000)
    await client.recordProof(1999)
  })
  after(async () => {
    await server?.stop()
    rmSync(home, { recursive: true })
  })

  async function ingest(from: number, to: number): Promise<void> {
    const events = Array.from({ length: to - from }, (_, i) => ({
      id: `e${from + i}`,
      customer: `c${i % 50}`,
      time: '2026-03-20T10:00:00Z',
    }))
    const { accounting } = await client.ingest('sends', events)
    assert.equal(accounting.passed, to - from)
  }

  test('is recomputed whole by Tessera’s fsck, over HTTP', async () => {
    const { ok, said } = await fsck(`${server.url}/log/`, vkey, server.token)
    assert.ok(ok, said)
    assert.equal((await fsck(`${server.url}/log/`, vkey, 'wk_wrong')).ok, false, 'nobody is answered without a key')
  })

  test('has a proof and a growth that x/mod/sumdb accepts', async () => {
    const proof = await client.recordProof(1234)
    const { extra } = parseTlogProof(proof)
    const log = join(home, 'data', 'log')
    const check = (entry: Uint8Array) =>
      spawnSync(
        buildCheck(),
        [
          '--vkey',
          vkey,
          '--log',
          log,
          '--old',
          older,
          '--proof',
          file('proof', proof),
          '--entry',
          file('entry', entry),
        ],
        { encoding: 'utf8' },
      )
    const good = check(extra!)
    assert.equal(good.status, 0, good.stdout + good.stderr)
    const altered = extra!.slice()
    altered[20]! ^= 1
    assert.equal(check(altered).status, 1, 'an altered entry is not proved')
  })

  test('is cosigned by a real witness, twice, and says so', async () => {
    const witness = await startWitness(18_081, server.vkey)
    try {
      const first = await client.anchor({ to: 'witness', url: witness.url, vkey: witness.vkey })
      await ingest(3000, 3300)
      const second = await client.anchor({ to: 'witness', url: witness.url, vkey: witness.vkey })
      assert.ok(second.size > first.size && second.independent)
      const { anchored, checkpoint } = await client.status()
      assert.equal(anchored?.size, second.size)
      assert.match(second.cosignature!, /^— witness\.example\/interop /)
      assert.ok(checkpoint.startsWith(`${server.origin}\n`))
      const cosigned = readFileSync(join(home, 'data', 'cosigned-checkpoint'), 'utf8')
      const { cosignatures } = await verifyCheckpoint(cosigned, server.vkey, { witnesses: [witness.vkey] })
      assert.equal(cosignatures.length, 1)
    } finally {
      await witness.stop()
    }
  })
})
