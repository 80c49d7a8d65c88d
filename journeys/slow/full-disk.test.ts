// A disk that is really full, under everything that writes files of its own: tables, snapshots, training sets, batches,
// spines, artifacts. Each says so, leaves nothing half, and works again once there is room; the server goes on meanwhile.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '@whence/sdk'
import { isFault } from '../../server/src/fault.ts'
import { SpineUploads } from '../../server/src/path/features/spine-uploads.ts'
import { Blobs } from '../../server/src/store/blobs.ts'
import { walk } from '../../server/src/store/files.ts'
import { collect, refused } from '../answers.ts'
import { customers, follow, letters, modelName, prediction, stream } from '../shop.ts'
import type { Thread } from '../shop.ts'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'
import { mountSmallDisk, noSmallDisk } from '../small-disk.ts'
import { lookAtTables } from '../table-kill.ts'

const RESERVE = 2 ** 20
const WRITTEN = ['tables', 'features', 'training', 'predictions', 'artifacts', 'tmp', 'columns']

suite('a disk that is really full', { skip: noSmallDisk() }, () => {
  let site: Site
  let server: Running
  let whence: Client
  let thread: Thread

  before(async () => {
    site = await Site.make({ WHENCE_DISK_RESERVE: String(RESERVE) })
    await mkdir(site.data, { recursive: true })
    const aside = `${site.data}-aside`
    await rename(site.data, aside)
    await mkdir(site.data)
    mountSmallDisk(site.data, '400m')
    await cp(aside, site.data, { recursive: true })
    await rm(aside, { recursive: true })
    server = await site.start()
    whence = server.client
    thread = await follow(whence)
    await whence.predictBatch(
      { batch: 'before', model: modelName, snapshot: thread.snapshot.id },
      customers.map((customer, i) => prediction(customer, `before-${i}`)),
    )
    // Kept in the background: it would go on while the disk is filled.
    while (!(await whence.tables()).tables.some(({ name, rows }) => name === 'predictions.archive' && rows > 0))
      await wait(100)
  })
  after(async () => {
    await server?.stop()
    spawnSync('umount', ['-l', site.data])
    await site?.remove()
  })

  const ballast = (): string => join(site.data, 'ballast')

  /** Fills the disk but for so many bytes. */
  async function fill(left: number): Promise<void> {
    const file = await open(ballast(), 'w')
    try {
      const zeros = Buffer.alloc(1 << 20)
      for (const leave of [RESERVE - 2 ** 16, left]) {
        for (;;) {
          const { bavail, bsize } = await statfs(site.data)
          const room = bavail * bsize - leave
          if (room <= 0) break
          await file.write(zeros, 0, Math.min(zeros.length, room))
        }
        // The ledger looks at the room once a second. What it accepted before that is written to its reserve.
        await wait(1500)
      }
    } finally {
      await file.close()
    }
  }

  const lying = async (): Promise<string[]> => {
    const all = await Promise.all(
      WRITTEN.map(async (folder) => (await walk(join(site.data, folder)).catch(() => [])).map((p) => `${folder}/${p}`)),
    )
    return all.flat()
  }

  const spine = customers.map((entity, i) => ({ entity, at: '2026-02-15T00:00:00Z', label: i % 2 }))
  const artifact = Buffer.alloc(300_000, 'model')
  const sha256 = createHash('sha256').update(artifact).digest('hex')
  /** What is asked for, again and again under the same name until there is room. */
  const asked: Record<string, () => Promise<unknown>> = {
    'a snapshot': () => whence.materialize({ view: 'reader', at: '2026-03-02T00:00:00Z' }),
    'a training set': () => whence.createTrainingSet({ id: 'full', view: 'reader', label: 'opened', spine }),
    'a batch of predictions': () =>
      whence.predictBatch(
        { batch: 'full', model: modelName, snapshot: thread.snapshot.id },
        customers.map((customer, i) => prediction(customer, `full-${i}`)),
      ),
    'the upload of a spine': () => whence.uploadSpine(`entity,at,label\n${customers[0]!},2026-02-15,1\n`, 'csv'),
    'an artifact': () => whence.putArtifact(sha256, artifact),
    events: () => whence.ingest(stream, [{ ...letters[0]!, id: 'when full', n: 999 }]),
    'provenance as a table': () => whence.provenanceTable(thread.snapshot.id),
  }

  for (const [how, left] of [
    ['to the last byte', 0],
    ['but for half of its reserve', RESERVE / 2],
  ] as const)
    test(`full ${how}: each is refused as disk_full, and nothing of it lies there`, async () => {
      try {
        await fill(left)
        const before = await lying()
        for (const [what, ask] of Object.entries(asked)) {
          const sentence = await refused(ask(), 'disk_full').catch((error: unknown) => {
            throw new Error(`${what}: ${String(error)}`)
          })
          assert.match(sentence, /disk/, what)
          assert.ok(!sentence.includes(site.data), `${what}: ${sentence}`)
        }
        // Derived columns may have been brought up: they are no answer to anybody, and are counted below.
        const strange = (await lying()).filter((path) => !before.includes(path) && !path.startsWith('columns/'))
        assert.deepEqual(strange, [])
        // What only reads goes on.
        assert.equal((await whence.explain('p-anna')).counts.contradicted, 0)
        assert.equal((await collect(whence.snapshotRows(thread.snapshot.id))).length, customers.length)
        assert.equal((await whence.onlineMany({ views: ['reader'], entities: [...customers] })).entities.length, 10)
        // Verify holds the tables against copies of them, which need room where the tables lie; all else is checked.
        const { problems } = await whence.verify()
        const onIt = site.env.DATABASE_URL === undefined
        assert.deepEqual(
          problems.map(({ path, code }) => ({ path, code })),
          onIt ? [{ path: 'database', code: 'unchecked' }] : [],
        )
        if (onIt) assert.match(problems[0]!.message, /disk/)
      } finally {
        await rm(ballast())
        await wait(1500)
      }
      assert.deepEqual(await lookAtTables(whence, site.data), [])
      assert.deepEqual((await whence.verify()).problems, [])
    })

  test('once there is room, everything that was refused is done, and a start finds nothing to mend', async () => {
    for (const [what, ask] of Object.entries(asked))
      await ask().catch((error: unknown) => assert.fail(`${what}: ${String(error)}`))
    assert.deepEqual(await lookAtTables(whence, site.data), [])
    const before = await lying()
    await server.stop()
    server = await site.start()
    whence = server.client
    assert.deepEqual(await lookAtTables(whence, site.data), [])
    const now = new Set(await lying())
    const swept = before.filter((path) => !now.has(path) && !path.startsWith('tmp/'))
    assert.deepEqual(swept, [], 'nothing was left for the start to sweep')
    assert.equal((await whence.trainingSet('full')).rows, customers.length)
  })

  test('an upload that meets the end of the disk in the middle leaves nothing', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'whence-full-'))
    t.after(async () => {
      spawnSync('umount', ['-l', folder])
      await rm(folder, { recursive: true, force: true })
    })
    mountSmallDisk(folder)
    async function* pieces(count: number): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < count; i++) yield Buffer.alloc(64 * 1024, i)
    }
    // No reserve, and none of the room that is usually asked for: only the disk itself says no.
    const uploads = new SpineUploads({ folder, key: Buffer.alloc(32), reserve: -(2 ** 40) })
    await assert.rejects(uploads.take(pieces(100), 'csv'), (error) => isFault(error, 'disk_full'))
    assert.deepEqual(await readdir(join(folder, 'tmp/spines')), [])
    const { upload } = await uploads.take(pieces(8), 'csv')
    assert.equal(uploads.get(upload).bytes, 8 * 64 * 1024)
    await uploads.close()

    const blobs = new Blobs(join(folder, 'artifacts'))
    await assert.rejects(
      blobs.put('0'.repeat(64), pieces(100), () => {}),
      { code: 'ENOSPC' },
    )
    assert.deepEqual(await readdir(join(folder, 'artifacts')), [])
    const digest = createHash('sha256')
    for await (const piece of pieces(8)) digest.update(piece)
    const wanted = digest.digest('hex')
    assert.equal((await blobs.put(wanted, pieces(8), () => {})).sha256, wanted)
    assert.ok(existsSync(join(folder, 'artifacts', wanted)))
  })
})
