// A person asks to be forgotten: what is gone, what stays, and that nothing brings it back.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createClient } from '@whence/sdk'
import type { Client, Erasure, Explanation } from '@whence/sdk'
import { openDatabase } from '../../server/src/store/database.ts'
import { openColumns, quote } from '../../server/src/store/columns.ts'
import { walk } from '../../server/src/store/files.ts'
import { SLOT_BYTES } from '../../server/src/store/keys.ts'
import { collect, refused } from '../answers.ts'
import { at, customers, follow, letters, modelName, prediction, stream } from '../shop.ts'
import type { Letter, Thread } from '../shop.ts'
import { main, Site } from '../site.ts'
import type { Running } from '../site.ts'

const dora = customers[3]!
const others = customers.filter((customer) => customer !== dora)
const about = (letter: Letter): boolean => letter.customer === dora
const odd: Letter = { ...letters.find(about)!, id: 'l-odd', n: letters.length + 1, creative: 'no such creative' }
const contested: Letter = { ...letters.find(about)!, campaign: 'another campaign' }
const basis = 'request of the person, ticket 4711'

/** What is said of everybody else: it must not change by a digit. */
async function said(
  client: Client,
  { snapshot, training, subjects }: Thread,
  who: readonly string[] = others,
): Promise<unknown> {
  const about = new Set(who.map((customer) => subjects[customers.indexOf(customer)]))
  const explained = await Promise.all(who.map((customer) => client.explain(`p-${customer.split('-')[1]}`)))
  return {
    explained: explained.map(({ sentence, score, inputs, reasons, events, alerts, claims, counts }: Explanation) => ({
      sentence,
      score,
      inputs,
      reasons,
      events,
      alerts,
      claims: claims.filter(({ subject }) => subject !== 'training'),
      counts,
    })),
    snapshot: (await collect(client.snapshotRows(snapshot.id))).filter(({ subject }) => about.has(subject)),
    training: (await collect(client.trainingRows(training.id))).filter(({ subject }) => about.has(subject)),
  }
}

async function everyFile(folders: readonly string[]): Promise<[string, Buffer][]> {
  const all: [string, Buffer][] = []
  for (const folder of folders) {
    for (const path of await walk(folder))
      if (!path.startsWith('database/')) all.push([join(folder, path), await readFile(join(folder, path))])
  }
  return all
}

/** Of the key store, the slot of a subject. */
function slotOf(store: Buffer, subject: string): Buffer | undefined {
  const found = store.indexOf(Buffer.from(subject, 'hex'))
  return found < 0 ? undefined : store.subarray(found - (found % SLOT_BYTES), found - (found % SLOT_BYTES) + SLOT_BYTES)
}

suite('an erasure', () => {
  let site: Site
  let backup: Site
  let server: Running
  let whence: Client
  let thread: Thread
  let before_: unknown
  let erasure: Erasure
  let subject: string
  let wrapped: Buffer
  let records: number

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    thread = await follow(whence)
    subject = thread.subjects[3]!
    await whence.ingest(stream, [odd])
    assert.equal((await whence.ingest(stream, [contested])).accounting.conflict, 1)
    await whence.predict({
      model: modelName,
      snapshot: thread.snapshot.id,
      consequential: true,
      predictions: [prediction(dora, 'p-dora-2')],
    })
    before_ = await said(whence, thread)
    records = letters.filter(about).length + 2 + 2
    const slot = slotOf(await readFile(join(site.data, 'keys/subjects')), subject)!
    wrapped = Buffer.from(slot.subarray(56, 116))
    await server.stop()
    backup = await site.copy()
    server = await site.start()
    whence = server.client
    erasure = await whence.erase({ identifier: dora, basis })
  })
  after(async () => {
    await site?.remove()
    await backup?.remove()
  })

  test('says what it destroyed and rewrote, and each file is as it says', async () => {
    assert.deepEqual(
      {
        basis: erasure.basis,
        keys: erasure.keysDestroyed,
        records: erasure.recordsUnreadable,
        rows: erasure.rowsDeleted,
      },
      { basis, keys: 1, records, rows: { prediction: 2 } },
    )
    const rewritten = erasure.filesRewritten.map(({ path }) => path.split('/')[0]!)
    assert.deepEqual([...new Set(rewritten)].sort(), ['columns', 'features', 'training'])
    for (const { path, before: was, after: is, removed } of erasure.filesRewritten) {
      assert.ok(removed > 0)
      assert.notEqual(is, was)
      if (path.startsWith('columns/')) continue // its successor has another name
      assert.equal(hash('sha256', await readFile(join(site.data, path))), is, path)
    }
    assert.equal(
      erasure.filesRewritten.find(({ path }) => path === thread.snapshot.files[0]!.path)!.before,
      thread.snapshot.files[0]!.sha256,
    )
    assert.equal(erasure.filesRewritten.find(({ path }) => path === thread.training.files[0]!.path)!.removed, 2)
    assert.ok(erasure.remains.length > 0)
  })

  test('is told where somebody asks about the person', async () => {
    for (const id of ['p-dora', 'p-dora-2']) {
      const explained = await whence.explain(id)
      assert.match(explained.sentence, /can no longer be read: the person was erased/)
      assert.equal(explained.score.truth, 'erased')
      assert.deepEqual(
        { inputs: explained.inputs, events: explained.events, entity: explained.entity },
        { inputs: [], events: [], entity: undefined },
      )
      assert.ok(explained.claims.some(({ truth }) => truth === 'erased'))
      assert.equal(explained.counts.contradicted, 0)
      assert.ok(
        !JSON.stringify(explained).includes('dora') ||
          !JSON.stringify({ ...explained, id: '', sentence: '' }).includes('dora'),
      )
    }
    assert.match(await refused(whence.find({ identifier: dora }), 'not_found'), /erased/)
    const found = (await whence.find({ limit: 1000 })).predictions.filter(({ erased }) => erased)
    assert.equal(found.length, 2)
    assert.ok(found.every(({ id, score }) => id === undefined && score === undefined))
    assert.equal((await whence.find({ campaign: 'winter sale', limit: 1000 })).predictions.length, others.length)
    assert.deepEqual((await whence.subjects({ identifiers: [dora] })).subjects, [null])
    const kept = await whence.quarantined({ stream })
    assert.deepEqual(
      kept.map(({ erased, content, id }) => ({ erased, content, id })),
      [1, 2].map(() => ({ erased: true, content: undefined, id: undefined })),
    )
    const replay = await whence.replay({})
    assert.deepEqual(
      { compared: replay.compared, exact: replay.exact, causes: replay.causes },
      { compared: others.length, exact: others.length, causes: { 'erased on request': 2 } },
    )
  })

  test('leaves what is said of everybody else as it was', async () => {
    assert.deepEqual(await said(whence, thread), before_)
  })

  test('leaves a log that verifies, with everything beside it', async () => {
    const { problems, checked } = await whence.verify()
    assert.deepEqual(problems, [])
    assert.equal(checked.erased, records)
  })

  test('is not undone by what is sent again: a repeat is a duplicate, anything new is refused, and nothing is stored', async () => {
    const { size } = await whence.status()
    const repeat = await whence.ingest(stream, letters.filter(about), { results: 'all' })
    assert.equal(repeat.accounting.duplicate, letters.filter(about).length)
    assert.ok(repeat.results.every((result) => result.status === 'duplicate' && result.erased))
    const fresh = await whence.ingest(stream, [{ ...odd, id: 'l-new', creative: 'A' }])
    assert.equal(fresh.accounting.refused, 1)
    assert.equal(fresh.results[0]!.status === 'refused' && fresh.results[0]!.problem.code, 'erased')
    const { results } = await whence.predict({
      model: modelName,
      snapshot: thread.snapshot.id,
      predictions: [prediction(dora, 'p-dora-3'), { ...prediction(dora, 'p-dora-4'), entity: undefined, subject }],
    })
    assert.deepEqual(
      results.map(({ status }) => status),
      ['refused', 'refused'],
    )
    const set = await refused(
      whence.createTrainingSet({ id: 'dora', view: 'reader', label: 'x', spine: [{ entity: dora, at, label: 1 }] }),
      'invalid',
    )
    assert.match(set, /no row/)
    assert.equal((await whence.status()).size, size)
    assert.match(await refused(whence.erase({ identifier: dora, basis }), 'not_found'), /erased before/)
    assert.match(await refused(whence.erase({ identifier: 'cust-nobody', basis }), 'not_found'), /ever recorded/)
  })

  test('leaves no key on the disk, no name, and no link', async () => {
    const store = await readFile(join(site.data, 'keys/subjects'))
    const was = await readFile(join(backup.data, 'keys/subjects'))
    const index = was.indexOf(wrapped) - (was.indexOf(wrapped) % SLOT_BYTES)
    assert.ok(
      store.subarray(index + 8, index + 24).every((byte) => byte === 0),
      'the id',
    )
    assert.ok(
      store.subarray(index + 56, index + 116).every((byte) => byte === 0),
      'the key',
    )
    const id = Buffer.from(subject, 'hex')
    for (const [path, bytes] of await everyFile([site.data, site.state])) {
      for (const [what, secret] of [
        ['key', wrapped],
        ['subject', id],
        ['subject in hex', Buffer.from(subject)],
      ] as const)
        assert.ok(!bytes.includes(secret), `${path} holds the ${what}`)
    }
    const columns = await openColumns({ folder: site.data })
    try {
      for (const path of (await walk(site.data)).filter((each) => each.endsWith('.parquet'))) {
        const { n } = await columns.row<{ n: bigint }>(
          `SELECT count(*) AS n FROM read_parquet(${quote(join(site.data, path))}) WHERE lower(hex(subject)) = '${subject}'`,
        )
        assert.equal(n, 0n, path)
      }
    } finally {
      await columns.close()
    }
  })

  test('the same snapshot asked for again is the same one, without the person', async () => {
    const again = await whence.materialize({ view: 'reader', at, asOf: thread.snapshot.asOf })
    assert.deepEqual({ id: again.id, status: again.receipt?.status }, { id: thread.snapshot.id, status: 'duplicate' })
    assert.deepEqual(await said(whence, thread), before_)
    const now = await whence.materialize({ view: 'reader', at })
    assert.equal(now.rows, others.length)
    assert.deepEqual(await collect(whence.snapshotRows(now.id)), (before_ as { snapshot: unknown }).snapshot)
    assert.deepEqual((await whence.verify()).problems, [])
  })

  test('holds after a stop, and after the tables are made again', async () => {
    await server.stop()
    const { databaseUrl: url, data, schema } = site.config
    const database = await openDatabase({ url, folder: `${data}/database`, schema })
    const rows = await database
      .query<{ row: string }>('select to_jsonb(t)::text as row from prediction t')
      .finally(() => database.close())
    assert.ok(rows.length > 0 && rows.every(({ row }) => !row.includes(subject)))
    await site.forgetTables()
    server = await site.start()
    whence = server.client
    assert.deepEqual(await said(whence, thread), before_)
    assert.match((await whence.explain('p-dora')).sentence, /erased/)
    assert.deepEqual((await whence.verify()).problems, [])
  })

  test('is carried out again when an older key store is put back', async () => {
    const other = await site.copy()
    try {
      for (const name of ['subjects', 'erasures'])
        await cp(join(backup.data, 'keys', name), join(other.data, 'keys', name))
      assert.ok((await readFile(join(other.data, 'keys/subjects'))).includes(wrapped))
      const restored = await other.start()
      assert.ok(!(await readFile(join(other.data, 'keys/subjects'))).includes(wrapped))
      assert.equal(
        (await restored.client.ingest(stream, [{ ...odd, id: 'l-new', creative: 'A' }])).accounting.refused,
        1,
      )
      assert.match((await restored.client.explain('p-dora')).sentence, /erased/)
      assert.deepEqual((await restored.client.verify()).problems, [])
      assert.deepEqual(await said(restored.client, thread), before_)
    } finally {
      await other.remove()
    }
  })

  test('is carried out again in a backup that is older than it, when the list of erasures is given', async () => {
    const [to, keysTo] = [join(backup.folder, 'b'), join(backup.folder, 'bk')]
    assert.equal((await backup.whence('backup', to, '--keys', keysTo)).code, 0)
    const other = await Site.make()
    try {
      const data = join(other.folder, 'restored')
      const ran = await other.whence(
        'restore',
        to,
        '--keys',
        keysTo,
        '--data',
        data,
        '--erasures',
        join(site.data, 'keys/erasures'),
        '--json',
      )
      assert.equal(ran.code, 0, ran.stderr)
      assert.equal(JSON.parse(ran.stdout).erasuresReapplied, 1)
      const store = await readFile(join(data, 'keys/subjects'))
      assert.ok(!store.includes(wrapped))
      const explained = await other.whence('explain', 'p-dora', '--data', data)
      assert.match(explained.stdout, /erased on request/)
      const verified = await other.whence('verify', '--data', data)
      assert.equal(verified.code, 0, verified.stdout)
    } finally {
      await other.remove()
    }
  })

  test('of a second person takes the same files further', async () => {
    const emil = customers[4]!
    const rest = others.filter((customer) => customer !== emil)
    const expected = await said(whence, thread, rest)
    const second = await whence.erase({ identifier: emil, basis })
    const first = erasure.filesRewritten.find(({ path }) => path.startsWith('features/'))!
    assert.equal(second.filesRewritten.find(({ path }) => path === first.path)!.before, first.after)
    assert.deepEqual(await said(whence, thread, rest), expected)
    assert.deepEqual((await whence.verify()).problems, [])
  })
})

suite('an erasure under load', () => {
  let site: Site
  let server: Running
  before(async () => {
    site = await Site.make()
    server = await site.start({ ledger: { publishEvery: 20 } })
  })
  after(() => site?.remove())

  test('leaves no record about the person behind it, and loses none of the others', async () => {
    const { client } = server
    const { snapshot } = await follow(client)
    let stop = false
    let n = 0
    let refusals = 0
    const kept = new Map<string, number>()
    const load = Array.from({ length: 3 }, async () => {
      while (!stop) {
        const batch = Array.from({ length: 20 }, (): Letter => ({
          ...letters[n % letters.length]!,
          id: `load-${n}`,
          n: 1000 + n++,
          customer: n % 2 === 0 ? dora : customers[n % 3]!,
        }))
        const { results } = await client.ingest(stream, batch, { results: 'all' })
        for (const result of results) {
          if (result.status === 'refused') refusals++
          else if (batch[result.line - 1]!.customer !== dora) kept.set(batch[result.line - 1]!.id, result.receipt.seq)
        }
      }
    })
    const computing = client.materialize({ view: 'reader', at })
    await new Promise((resolve) => setTimeout(resolve, 100))
    const erasures = await Promise.allSettled([
      client.erase({ identifier: dora, basis }),
      client.erase({ identifier: dora, basis }),
    ])
    await new Promise((resolve) => setTimeout(resolve, 100))
    stop = true
    await Promise.all(load)
    assert.deepEqual(erasures.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    assert.ok(refusals > 0)
    assert.deepEqual((await client.verify()).problems, [])
    const rows = await collect(client.snapshotRows((await computing).id))
    assert.equal(rows.length, others.length)
    assert.equal((await collect(client.snapshotRows(snapshot.id))).length, others.length)
    const again = await client.ingest(
      stream,
      [...kept.keys()].map((id) => ({
        ...letters[Number(id.slice(5)) % letters.length]!,
        id,
        n: 1000 + Number(id.slice(5)),
        customer: customers[(Number(id.slice(5)) + 1) % 3]!,
      })),
    )
    assert.equal(again.accounting.duplicate, kept.size)
    const replay = await client.replay({})
    assert.equal(replay.exact, replay.compared)
  })
})

suite('an erasure that is cut off', () => {
  let site: Site
  let thread: Thread
  let before_: unknown

  before(async () => {
    site = await Site.make()
    const server = await site.start()
    thread = await follow(server.client)
    before_ = await said(server.client, thread)
    await server.stop()
  })
  after(() => site?.remove())

  /**
   * Erases in a server that dies before the nth change of a file, or lives; gives the changes that it made, and whether it
   * died: what else a server writes meanwhile differs from run to run, so that there may be no nth change.
   */
  async function erase(copy: Site, at?: number): Promise<{ changes: string[]; died: boolean }> {
    const report = join(copy.folder, 'changes')
    const child = copy.spawn(
      ['--import', new URL('../mortal.ts', import.meta.url).href, main, 'up', '--port', '0', '--json'],
      {
        MORTAL_FROM: 'keys/erasing',
        MORTAL_REPORT: report,
        ...(at === undefined ? {} : { MORTAL_AT: String(at) }),
      },
    )
    const ended = new Promise((resolve) => child.once('close', resolve))
    let [told, errors] = ['', '']
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text))
    await new Promise<void>((resolve, reject) => {
      child.stdout!.setEncoding('utf8').on('data', (text: string) => /^\}$/m.test((told += text)) && resolve())
      void ended.then(() => reject(new Error(errors)))
    })
    const { token } = JSON.parse(await readFile(join(copy.data, 'lock'), 'utf8')) as { token: string }
    const client = createClient({ url: (JSON.parse(told) as { url: string }).url, key: token })
    const answered = await client.erase({ identifier: dora, basis }).then(
      () => true,
      () => false,
    )
    if (answered) child.kill('SIGTERM')
    await ended
    const died = child.signalCode === 'SIGKILL'
    assert.ok(answered || died, errors)
    const changes = at === undefined ? (await readFile(report, 'utf8')).replaceAll(copy.folder, '').split('\n') : []
    return { changes, died }
  }

  test('between any two of its steps is finished at the next start, and recorded once', async () => {
    const whole = await site.copy()
    const { changes } = await erase(whole)
    await whole.remove()
    const last = changes.findIndex((change) => change.startsWith('rm') && change.endsWith('keys/erasing'))
    assert.ok(last > 30, changes.join('\n'))
    // All of them take a quarter of an hour: half a dozen, and always the last few, unless more is asked for.
    const every = process.env.JOURNEYS === 'long' ? 1 : Math.ceil(last / 6)
    let died = 0
    for (let at = 3; at <= last; at++) {
      if (at % every !== 0 && at < last - 1) continue
      const copy = await site.copy()
      try {
        if ((await erase(copy, at)).died) died++
        const { client, stop } = await copy.start()
        assert.deepEqual((await client.verify()).problems, [])
        assert.match((await client.explain('p-dora')).sentence, /erased/)
        assert.deepEqual(await said(client, thread), before_)
        const { records } = await client.records({ from: thread.snapshot.id, limit: 1000 })
        const kinds = records.map(({ entry }) => entry.kind)
        assert.equal(kinds.filter((kind) => kind === 'erasure/1').length, 1)
        assert.equal(kinds.filter((kind) => kind === 'conflict/1').length, 0)
        await stop()
        const bare = await copy.ledger()
        const opened = bare.ledger.open(records.find(({ entry }) => entry.kind === 'erasure/1')!.seq)
        await bare.stop()
        assert.ok(opened.state === 'open')
        const { recordsUnreadable, rowsDeleted, filesRewritten } = JSON.parse(
          Buffer.from(opened.content).toString(),
        ) as Erasure
        assert.deepEqual(
          { recordsUnreadable, rowsDeleted },
          { recordsUnreadable: letters.filter(about).length + 1, rowsDeleted: { prediction: 1 } },
        )
        assert.deepEqual(filesRewritten.map(({ path }) => path.split('/')[0]!).sort(), [
          'columns',
          'features',
          'training',
        ])
        const store = await readFile(join(copy.data, 'keys/subjects'))
        assert.ok(!store.includes(Buffer.from(thread.subjects[3]!, 'hex')))
      } catch (error) {
        throw new Error(`cut off before change ${at} (${changes[at]}): ${(error as Error).message}`, { cause: error })
      } finally {
        await copy.remove()
      }
    }
    assert.ok(died >= 4, `only ${died} were cut off`)
  })
})
