import { strict as assert } from 'node:assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { verifyLog, verifyProof } from '@whence/ledger'
import { readFile } from 'node:fs/promises'
import { isFault } from '../../fault.ts'
import { localFiles } from '../../store/files.ts'
import { loadKek, openKeyStore } from '../../store/keys.ts'
import { systemClock } from '../time.ts'
import { Ledger } from './ledger.ts'
import type { LedgerOptions } from './ledger.ts'
import { defaultLimits } from './writer.ts'
import type { Appended, Draft, Placed } from './writer.ts'

async function openLedger(folder: string, options: Partial<LedgerOptions> = {}) {
  const files = options.files ?? localFiles()
  const kek = await loadKek(files, { kind: 'file', path: `${folder}/keys/kek`, made: true })
  const keys = await openKeyStore(files, `${folder}/keys`, kek)
  const ledger = await Ledger.open({
    files,
    folder,
    keys,
    keyFolder: `${folder}/keys`,
    stateFolder: `${folder}-state`,
    origin: 'ledger.example/test',
    clock: systemClock,
    reserve: 0,
    onFatal: (error) => {
      throw error
    },
    ...options,
  })
  return {
    ledger,
    keys,
    stop: async () => {
      await ledger.stop()
      await keys.close()
      files.close()
    },
  }
}
async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-ledger-'))
  t.after(() => Promise.all([rm(folder, { recursive: true }), rm(`${folder}-state`, { recursive: true, force: true })]))
  return folder
}
function event(ledger: Ledger, id: string, who: string, body: object = { id, who }): Draft {
  const subject = ledger.subjects.mint('customer', who)
  assert.notEqual(subject, 'erased')
  return {
    kind: 'event/1',
    stream: 's',
    source: 'crm',
    id,
    time: Date.UTC(2026, 2, 20) * 1000,
    refs: { outcome: 'passed', contract: 's@1.0.0' },
    content: Buffer.from(JSON.stringify(body)),
    subject: subject as Exclude<typeof subject, 'erased'>,
  }
}
async function verified(folder: string, vkey: string) {
  return verifyLog((path) => readFile(join(folder, 'log', path)).catch(() => undefined), vkey)
}

test('what is acknowledged is there after a restart, in a log that verifies', async (t) => {
  const folder = await folderOf(t)
  let { ledger, stop } = await openLedger(folder)
  const results = (await ledger.append(
    Array.from({ length: 700 }, (_, i) => event(ledger, `e${i}`, `c${i % 50}`)),
    { actor: 'k-1' },
  )) as Placed[]
  assert.deepEqual(
    results.map((r) => r.seq),
    Array.from({ length: 700 }, (_, i) => i),
  )
  const opened = ledger.open(12)
  assert.equal(opened.state === 'open' && Buffer.from(opened.content).toString(), '{"id":"e12","who":"c12"}')
  await stop()
  ;({ ledger, stop } = await openLedger(folder))
  assert.equal(ledger.size, 700)
  const again = ledger.open(699)
  assert.equal(again.state === 'open' && again.header.id, 'e699')
  assert.equal(ledger.entry(3).time, '2026-03-20')
  const proof = await ledger.proof(300)
  assert.equal((await verifyProof(proof.text, proof.entry, ledger.vkey)).ok, true)
  await stop()
  assert.deepEqual((await verified(folder, ledger.vkey)).ok, true)
})

test('the same content again is a duplicate, other content a conflict that is kept', async (t) => {
  const { ledger, stop } = await openLedger(await folderOf(t))
  const put = async (draft: Draft) => ((await ledger.append([draft], { actor: 'k' })) as Appended[])[0] as Placed
  const first = await put(event(ledger, 'a', 'c1', { x: 1, y: 2 }))
  assert.deepEqual({ ...first, status: 'duplicate' }, await put(event(ledger, 'a', 'c1', { x: 1, y: 2 })))
  assert.equal((await put(event(ledger, 'a', 'c1', { y: 2, x: 1 }))).status, 'duplicate')
  const other = await put(event(ledger, 'a', 'c1', { x: 1, y: 3 }))
  assert.equal(other.status, 'conflict')
  assert.equal(ledger.entry(other.seq).kind, 'conflict/1')
  assert.equal((await put(event(ledger, 'a', 'c1', { x: 1, y: 3 }))).seq, other.seq)
  assert.equal(ledger.size, 2)
  await stop()
})

test('an append whose basis has moved is stale', async (t) => {
  const { ledger, stop } = await openLedger(await folderOf(t))
  const basis = ledger.size
  const draft = (id: string): Draft => ({ ...event(ledger, id, 'c'), touches: ['consent:c'] })
  const both = await Promise.all([
    ledger.append([draft('a')], { actor: 'k', basis, keys: ['consent:c'] }),
    ledger.append([draft('b')], { actor: 'k', basis, keys: ['consent:c'] }),
  ])
  assert.equal(both[1], 'stale')
  assert.equal((both[0] as Placed[])[0]!.seq, 0)
  assert.notEqual(await ledger.append([draft('b')], { actor: 'k', basis: ledger.size, keys: ['consent:c'] }), 'stale')
  await stop()
})

void test('refuses more while the disk does not keep up with publication, and loses nothing', async (t) => {
  const folder = await folderOf(t)
  const files = localFiles()
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => (release = resolve))
  const held: typeof files = {
    ...files,
    async replace(path, ...rest) {
      if (path.includes('/tile/')) await slow
      await files.replace(path, ...rest)
    },
  }
  const limits = { ...defaultLimits, unpublishedBytes: 20_000 }
  const { ledger, stop } = await openLedger(folder, { files: held, publishEvery: 0, limits })
  let accepted = 0
  let refused: unknown
  while (refused === undefined && accepted < 1000) {
    await ledger.append([event(ledger, `e-${accepted}`, 'anna')], { actor: 'k-1' }).then(
      () => accepted++,
      (error: unknown) => (refused = error),
    )
  }
  assert.ok(isFault(refused, 'overloaded'))
  release()
  await ledger.publish()
  await ledger.append([event(ledger, 'later', 'anna')], { actor: 'k-1' })
  await ledger.publish()
  assert.equal(ledger.published, accepted + 1)
  await stop()
})

void test('writes the keys of many new people in few pieces', async (t) => {
  const folder = await folderOf(t)
  const files = localFiles()
  let pieces = 0
  const counted: typeof files = {
    ...files,
    async grow(path, options) {
      const file = await files.grow(path, options)
      if (!path.endsWith('/subjects')) return file
      return Object.assign(Object.create(file) as typeof file, {
        overwrite(at: number, bytes: Uint8Array) {
          pieces++
          return file.overwrite(at, bytes)
        },
      })
    },
  }
  const { ledger, keys, stop } = await openLedger(folder, { files: counted, publishEvery: 60_000 })
  const people = Array.from({ length: 2000 }, (_, i) => event(ledger, `e-${i}`, `person-${i}`))
  await ledger.append(people, { actor: 'k-1' })
  await ledger.publish()
  assert.ok(pieces > 0 && pieces <= 3, `${pieces} pieces`)
  assert.deepEqual(keys.check(), [])
  await stop()
})
