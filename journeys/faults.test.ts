// What was acknowledged survives a failing disk: each single operation of the ledger's I/O is made to fail, or is the
// last one before the power goes; then the ledger is opened again.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { verifyGrowth, verifyLog } from '@whence/ledger'
import { readConfig } from '../server/src/config.ts'
import { isFault } from '../server/src/fault.ts'
import { verifyData } from '../server/src/govern/verify/verify.ts'
import type { Appended, Draft, Placed } from '../server/src/record/ledger/writer.ts'
import type { Subject } from '../server/src/record/subjects/subjects.ts'
import { localFiles } from '../server/src/store/files.ts'
import { Disk } from './disk.ts'
import type { Mishap, Survival } from './disk.ts'
import { openLedger } from './site.ts'
import type { BareLedger } from './site.ts'
import { mountSmallDisk, noSmallDisk } from './small-disk.ts'

const config = readConfig('/data', { WHENCE_STATE: '/state' })

/** A record that was acknowledged. */
interface Kept {
  id: string
  seq: number
  leaf: string
}

interface Run {
  workload: Workload
  kept: Map<string, Kept>
  checkpoints: string[]
  fatal: unknown
}

const ids = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `e${from + i}`)

/** What is appended, call by call; those of one line are called at once. */
type Workload = string[][][]
/** On an empty disk. */
const beginning: Workload = [[ids(0, 1)], [ids(1, 4), ids(4, 6)], [['e5', 'e6']]]
/** On a log of 250 records: it crosses the edge of a tile. */
const growth: Workload = [[ids(250, 253)], [ids(253, 259), ids(259, 262)], [['e5', 'e261', 'e262']]]

function draft({ ledger }: BareLedger, id: string): Draft {
  const n = Number(id.slice(1))
  const draft: Draft = {
    kind: 'event/1',
    stream: 's',
    source: 'crm',
    id,
    time: Date.UTC(2026, 2, 20) * 1000,
    refs: { outcome: 'passed', contract: 's@1.0.0' },
    content: contentOf(id),
  }
  // Some are about nobody, and so in clear.
  return n % 10 === 3 ? draft : { ...draft, subject: ledger.subjects.mint('customer', `c${n % 20}`) as Subject }
}

function contentOf(id: string): Buffer {
  return Buffer.from(JSON.stringify({ id, text: id.repeat(Number(id.slice(1)) % 7) }))
}

/** Opens the ledger on a disk and appends, noting what is acknowledged, until it is done, dies, or the power goes. */
async function work(disk: Disk, run: Run): Promise<void> {
  const dead = Promise.withResolvers<void>()
  const onFatal = (error: unknown): void => {
    run.fatal = error
    // The process ends here: nothing that it had begun goes on.
    disk.pull()
    dead.resolve()
  }
  const session = async (): Promise<void> => {
    const bare = await openLedger(config, { files: disk.files(), publishEvery: 0, onFatal })
    for (const calls of run.workload) {
      const answers = await Promise.all(
        calls.map(async (call) => {
          const results = (await bare.ledger.append(
            call.map((id) => draft(bare, id)),
            { actor: 'k' },
          )) as Appended[]
          for (const [i, result] of results.entries()) {
            assert.notEqual(result.status, 'refused')
            if (result.status !== 'refused')
              run.kept.set(call[i]!, { id: call[i]!, seq: result.seq, leaf: result.leaf })
          }
        }),
      )
      assert.equal(answers.length, calls.length)
      run.checkpoints.push(bare.ledger.checkpoint)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await bare.ledger.publish()
    run.checkpoints.push(bare.ledger.checkpoint)
    await bare.stop()
  }
  await Promise.race([session().catch((error: unknown) => (run.fatal ??= error)), disk.cut, dead.promise])
}

/** Opens again, and loses the power a second time once a first record is acknowledged. */
async function again(disk: Disk, run: Run): Promise<Disk> {
  const bare = await openLedger(config, { files: disk.files(), publishEvery: 50 })
  const [id] = run.workload.flat(2).slice(-1)
  const [result] = (await bare.ledger.append([draft(bare, id!)], { actor: 'k' })) as Placed[]
  run.kept.set(id!, { id: id!, seq: result!.seq, leaf: result!.leaf })
  disk.pull()
  return disk.after('nothing')
}

/** Opens again: everything acknowledged is there, the log verifies, grew, and takes the same once. */
async function examine(disk: Disk, { kept, checkpoints, workload }: Run): Promise<void> {
  const files = disk.files()
  const bare = await openLedger(config, { files, publishEvery: 0, onFatal: (error) => assert.fail(error as Error) })
  const { ledger, keys } = bare
  for (const { id, seq, leaf } of kept.values()) {
    assert.equal(ledger.receiptOf(seq).leaf, leaf, `${id} at ${seq}`)
    const opened = ledger.open(seq)
    assert.ok(opened.state === 'open', `${id} at ${seq}`)
    assert.deepEqual(Buffer.from(opened.content), contentOf(id))
  }
  const wanted = [...new Set(workload.flat(2))]
  const again = (await ledger.append(
    wanted.map((id) => draft(bare, id)),
    { actor: 'k' },
  )) as Appended[]
  for (const [i, result] of again.entries()) {
    const there = kept.get(wanted[i]!)
    assert.ok(
      result.status === 'duplicate' || (result.status === 'recorded' && there === undefined),
      `${wanted[i]}: ${result.status}`,
    )
    if (there) assert.equal(result.seq, there.seq)
  }
  const most = 1 + Math.max(...wanted.map((id) => Number(id.slice(1))))
  assert.equal(ledger.size, most)
  await ledger.append(
    wanted.map((id) => draft(bare, id)),
    { actor: 'k' },
  )
  assert.equal(ledger.size, most, 'a second time adds nothing')
  await ledger.publish()

  const read = (path: string) => files.read(`/data/log/${path}`)
  assert.deepEqual((await verifyLog(read, ledger.vkey)).problems, [])
  assert.deepEqual((await verifyData({ files, folder: '/data', ledger, keys }, [])).problems, [])
  for (const checkpoint of checkpoints) {
    const grown = await verifyGrowth(checkpoint, ledger.checkpoint, ledger.vkey, read)
    assert.ok(grown.ok, 'message' in grown ? grown.message : '')
  }
  await bare.stop()
}

/** Tries a mishap at every operation of a workload. Gives their number. */
async function tryAll(
  base: Disk,
  workload: Workload,
  mishap: Mishap,
  survivals: (point: number) => Survival[],
): Promise<number> {
  for (let point = 0; ; point++) {
    const disk = base.after('everything')
    disk.arm(point, mishap)
    const run: Run = { workload, kept: new Map(), checkpoints: [], fatal: undefined }
    await work(disk, run)
    const reached = disk.operations.length > point
    if (!disk.off) disk.pull()
    for (const survival of survivals(point)) {
      try {
        const found = disk.after(survival)
        await examine(mishap.kind === 'power' || typeof survival === 'string' ? found : await again(found, run), run)
      } catch (error) {
        const what = mishap.kind === 'power' ? 'a power cut' : mishap.message
        const before = disk.operations.slice(Math.max(0, point - 6), point + 1).join('\n')
        throw new Error(
          `after ${what} at operation ${point}, ${JSON.stringify(survival)} surviving: ${(error as Error).message}\n${before}`,
          { cause: error },
        )
      }
    }
    if (!reached) {
      assert.equal(run.kept.size, new Set(workload.flat(2)).size)
      return point
    }
  }
}

/** A disk with a log of 250 records. */
async function grown(): Promise<Disk> {
  const disk = new Disk()
  await work(disk, { workload: [[ids(0, 250)]], kept: new Map(), checkpoints: [], fatal: undefined })
  return disk
}

const mishaps: [string, Mishap, (point: number) => Survival[]][] = [
  [
    'the power goes, whatever was not synced survives',
    { kind: 'power' },
    (point) => ['nothing', 'everything', { seed: point }],
  ],
  [
    'a write or a sync fails, or the disk is full',
    { kind: 'error', code: 'EIO', message: 'input/output error' },
    (point) => ['everything', { seed: point }],
  ],
]

suite('a failing disk', () => {
  for (const [name, mishap, survivals] of mishaps) {
    test(`loses nothing acknowledged when ${name}, at any operation of a log that begins`, async () => {
      const points = await tryAll(new Disk(), beginning, mishap, survivals)
      assert.ok(points > 100, `only ${points} operations`)
    })

    test(`loses nothing acknowledged when ${name}, at any operation of a log that grows beyond a tile`, async () => {
      const points = await tryAll(await grown(), growth, mishap, survivals)
      assert.ok(points > 60, `only ${points} operations`)
    })
  }

  test('refuses before acceptance when the reserve of disk would be eaten, and goes on when there is room again', async () => {
    const disk = new Disk()
    disk.free = 1_000_000
    const open = () => openLedger(config, { files: disk.files(), reserve: 500_000, publishEvery: 0 })
    let bare = await open()
    await bare.ledger.append([draft(bare, 'e0')], { actor: 'k' })
    const large: Draft = { ...draft(bare, 'e1'), content: Buffer.alloc(300_000, '7') }
    await assert.rejects(bare.ledger.append([large], { actor: 'k' }), (error) => isFault(error, 'disk_full'))
    assert.equal(bare.ledger.size, 1)
    assert.equal(bare.ledger.queued.records, 0)
    assert.equal(((await bare.ledger.append([draft(bare, 'e2')], { actor: 'k' })) as Appended[])[0]!.status, 'recorded')
    await bare.stop()
    disk.free = 5_000_000
    bare = await open()
    assert.equal(((await bare.ledger.append([large], { actor: 'k' })) as Appended[])[0]!.status, 'recorded')
    assert.equal(bare.ledger.size, 3)
    await bare.stop()
  })

  test('survives a disk that is really full', { skip: noSmallDisk() }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'whence-full-'))
    t.after(() => {
      spawnSync('umount', ['-l', folder])
      return rm(folder, { recursive: true, force: true })
    })
    mountSmallDisk(folder)
    const full = readConfig(join(folder, 'data'), { WHENCE_STATE: join(folder, 'state') })
    const big = (bare: BareLedger, n: number): Draft => ({
      ...draft(bare, `big${n}`),
      content: Buffer.alloc(100_000, String(n % 10)),
      subject: bare.ledger.subjects.mint('customer', 'c') as Subject,
    })
    const kept = new Map<number, Placed>()

    // With the reserve: refused before anything is accepted.
    let bare = await openLedger(full, { reserve: 1_000_000, publishEvery: 10 })
    const put = async (n: number): Promise<void> => {
      const [placed] = (await bare.ledger.append([big(bare, n)], { actor: 'k' })) as Placed[]
      kept.set(n, placed!)
      await bare.ledger.publish()
    }
    await assert.rejects(
      async () => {
        for (let n = 0; n < 100; n++) await put(n)
      },
      (error) => isFault(error, 'disk_full'),
    )
    assert.ok(kept.size > 3 && bare.ledger.size === kept.size)
    await bare.stop()

    // Without it the disk fails under the ledger: it stops, and goes on once there is room.
    await writeFile(join(folder, 'ballast'), Buffer.alloc(400_000))
    const died = Promise.withResolvers<unknown>()
    bare = await openLedger(full, {
      files: { ...localFiles(), free: async () => Number.MAX_SAFE_INTEGER },
      publishEvery: 10,
      onFatal: died.resolve,
    })
    const filling = (async () => {
      for (let n = kept.size; n < 100; n++) await put(n)
    })().catch(() => {})
    assert.equal(((await died.promise) as NodeJS.ErrnoException).code, 'ENOSPC')
    await filling
    await rm(join(folder, 'ballast'))
    bare = await openLedger(full)
    for (const [n, { seq, leaf }] of kept) {
      assert.equal(bare.ledger.receiptOf(seq).leaf, leaf)
      const opened = bare.ledger.open(seq)
      assert.ok(opened.state === 'open' && Buffer.from(opened.content).equals(big(bare, n).content))
    }
    await bare.stop()
    const report = await verifyLog(
      (path) => readFile(join(full.data, 'log', path)).catch(() => undefined),
      bare.ledger.vkey,
    )
    assert.deepEqual(report.problems, [])
  })
})
