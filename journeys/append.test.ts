// The ledger's append against a plain model: whatever is appended, in whatever order, at once or one after the other,
// with the ledger closed, or the power cut, in between, the ledger answers and holds what a list and a map would.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { verifyGrowth, verifyLog } from '@whence/ledger'
import { readConfig } from '../server/src/config.ts'
import { verifyData } from '../server/src/govern/verify/verify.ts'
import type { Appended, Draft, WriterLimits } from '../server/src/record/ledger/writer.ts'
import type { Subject } from '../server/src/record/subjects/subjects.ts'
import { Disk } from './disk.ts'
import { openLedger } from './site.ts'
import type { BareLedger } from './site.ts'

const config = readConfig('/data', { WHENCE_STATE: '/state' })

/** Small enough that calls are divided, and that frames are formed while others are being written. */
const limits: WriterLimits = {
  queueRecords: 50_000,
  queueBytes: 1 << 30,
  unpublishedBytes: 1 << 30,
  turnRecords: 2,
  smallFrame: 2,
  frameRecords: 5,
}

interface Item {
  source: string
  id: string
  content: string
  /** Whose; nobody's are in clear. */
  who: string | undefined
}

const item = fc.record({
  source: fc.constantFrom('crm', 'shop'),
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'a#1', '__proto__'),
  content: fc.constantFrom(
    '{"x":1}',
    '{"x":1,"y":2}',
    '{ "y":2,"x":1}',
    '{"x":1,"x":1}',
    '{"x":9007199254740992}',
    '{"x":9007199254740993}',
    'no json',
    '',
  ),
  who: fc.constantFrom('ann', 'bob', undefined),
})
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      at: fc.constant('append' as const),
      calls: fc.array(fc.array(item, { maxLength: 12 }), { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ at: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant('cut' as const), seed: fc.nat() }) },
)

/** What a place in the log must hold. */
interface Known {
  content: string
  who: string | undefined
  kind: 'event/1' | 'conflict/1'
}

class Model {
  readonly records: Known[] = []
  /** Where the record with an identity stands. */
  readonly #places = new Map<string, number>()

  append({ source, id, content, who }: Item): { status: string; seq: number } {
    const earlier = this.#places.get(`${source} ${id}`)
    if (earlier === undefined)
      return { status: 'recorded', seq: this.#add(`${source} ${id}`, { content, who, kind: 'event/1' }) }
    const first = this.records[earlier]!
    if (same(first, { content, who })) return { status: 'duplicate', seq: earlier }
    for (const [seq, record] of this.records.entries()) {
      if (this.#conflicts.get(seq) === `${source} ${id}` && record.content === content && record.who === who)
        return { status: 'conflict', seq }
    }
    const seq = this.#add(undefined, { content, who, kind: 'conflict/1' })
    this.#conflicts.set(seq, `${source} ${id}`)
    return { status: 'conflict', seq }
  }

  readonly #conflicts = new Map<number, string>()

  #add(identity: string | undefined, record: Known): number {
    if (identity !== undefined) this.#places.set(identity, this.records.length)
    this.records.push(record)
    return this.records.length - 1
  }
}

/** Whether two contents say the same: byte for byte about the same one, or as JSON but for spaces and the order of keys. */
function same(
  first: { content: string; who: string | undefined },
  other: { content: string; who: string | undefined },
): boolean {
  const sayTheSame = (one: string): boolean =>
    one.startsWith('{') &&
    (one.includes('y') ? '{"x":1,"y":2}' : one) === (other.content.includes('y') ? '{"x":1,"y":2}' : other.content)
  return (first.content === other.content && first.who === other.who) || sayTheSame(first.content)
}

function draft({ ledger }: BareLedger, { source, id, content, who }: Item): Draft {
  const plain: Draft = {
    kind: 'event/1',
    stream: 's',
    source,
    id,
    time: 0,
    refs: { outcome: 'passed', contract: 's@1.0.0' },
    content: Buffer.from(content),
  }
  return who === undefined ? plain : { ...plain, subject: ledger.subjects.mint('customer', who) as Subject }
}

suite('append', () => {
  test('answers and holds what a plain list would', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        let disk = new Disk()
        const open = (): Promise<BareLedger> =>
          openLedger(config, {
            files: disk.files(),
            publishEvery: 0,
            limits,
            onFatal: (error) => assert.fail(error as Error),
          })
        let bare = await open()
        const model = new Model()
        const checkpoints: string[] = []
        for (const each of steps) {
          if (each.at === 'append') {
            const answers = (await Promise.all(
              each.calls.map((call) =>
                bare.ledger.append(
                  call.map((one) => draft(bare, one)),
                  { actor: 'k' },
                ),
              ),
            )) as Appended[][]
            for (const [i, call] of each.calls.entries()) {
              for (const [j, one] of call.entries()) {
                const answer = answers[i]![j]!
                assert.notEqual(answer.status, 'refused')
                if (answer.status === 'refused') continue
                const { status, seq } = answer
                assert.deepEqual({ status, seq }, model.append(one))
              }
            }
          } else if (each.at === 'reopen') {
            await bare.stop()
            bare = await open()
          } else {
            disk.pull()
            disk = disk.after({ seed: each.seed })
            bare = await open()
          }
          assert.equal(bare.ledger.size, model.records.length)
          for (const [seq, { content, who, kind }] of model.records.entries()) {
            const opened = bare.ledger.open(seq)
            assert.ok(opened.state === 'open')
            assert.equal(Buffer.from(opened.content).toString(), content)
            assert.equal(
              opened.subject,
              who === undefined ? '' : (bare.ledger.subjects.find('customer', who) as Subject).id,
            )
            assert.equal(opened.entry.kind, kind)
          }
          checkpoints.push(bare.ledger.checkpoint)
        }
        await bare.ledger.publish()
        const { ledger, keys } = bare
        const files = disk.files()
        const read = (path: string): Uint8Array | undefined => files.read(`/data/log/${path}`)
        if (ledger.size > 0) {
          assert.deepEqual((await verifyLog(read, ledger.vkey)).problems, [])
          assert.deepEqual((await verifyData({ files, folder: '/data', ledger, keys }, [])).problems, [])
          for (const checkpoint of checkpoints)
            assert.ok((await verifyGrowth(checkpoint, ledger.checkpoint, ledger.vkey, read)).ok)
        }
        await bare.stop()
      }),
      { numRuns: 60 },
    )
  })

  test('of appends with one basis exactly one succeeds, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), size: fc.integer({ min: 1, max: 9 }) }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (calls) => {
          const disk = new Disk()
          const bare = await openLedger(config, { files: disk.files(), publishEvery: 0, limits })
          const { ledger } = bare
          const basis = ledger.size
          const answers = await Promise.all(
            calls.map(({ key, size }, i) =>
              ledger.append(
                Array.from({ length: size }, (_, n) => ({
                  ...draft(bare, { source: 'crm', id: `${i}.${n}`, content: '{}', who: 'ann' }),
                  touches: [key],
                })),
                { actor: 'k', basis, keys: [key] },
              ),
            ),
          )
          const won = calls.filter((_, i) => answers[i] !== 'stale')
          assert.deepEqual(won.map(({ key }) => key).sort(), [...new Set(calls.map(({ key }) => key))].sort())
          assert.equal(
            ledger.size,
            won.reduce((sum, { size }) => sum + size, 0),
          )
          await bare.stop()
        },
      ),
      { numRuns: 30 },
    )
  })

  test('many who append at once each get the places of their own records', async () => {
    const disk = new Disk()
    const bare = await openLedger(config, {
      files: disk.files(),
      publishEvery: 0,
      limits: { ...limits, frameRecords: 64, turnRecords: 8 },
    })
    const calls = Array.from({ length: 60 }, (_, i) =>
      Array.from({ length: 1 + (i % 23) }, (_, n): Item => ({
        source: 'crm',
        id: `${i}.${n}`,
        content: `{"i":${i},"n":${n}}`,
        who: `c${i % 7}`,
      })),
    )
    const answers = (await Promise.all(
      calls.map((call) =>
        bare.ledger.append(
          call.map((one) => draft(bare, one)),
          { actor: 'k' },
        ),
      ),
    )) as Appended[][]
    for (const [i, call] of calls.entries()) {
      for (const [n, one] of call.entries()) {
        const answer = answers[i]![n]!
        assert.ok(answer.status === 'recorded')
        const opened = bare.ledger.open(answer.seq)
        assert.ok(opened.state === 'open')
        assert.equal(Buffer.from(opened.content).toString(), one.content)
        assert.equal(opened.header.id, one.id)
      }
    }
    assert.equal(bare.ledger.size, calls.flat().length)
    await bare.stop()
  })

  test('goes on while the journal is emptied of keys for an erasure', async () => {
    const disk = new Disk()
    const bare = await openLedger(config, {
      files: disk.files(),
      publishEvery: 0,
      limits,
      onFatal: (error) => assert.fail(error as Error),
    })
    const done = { appending: false }
    const appending = Promise.all(
      [0, 1, 2].map(async (writer) => {
        for (let n = 0; n < 40; n++) {
          const [answer] = (await bare.ledger.append(
            [draft(bare, { source: 'crm', id: `${writer}.${n}`, content: `{"n":${n}}`, who: `c${n}` })],
            { actor: 'k' },
          )) as Appended[]
          assert.equal(answer!.status, 'recorded')
        }
      }),
    ).finally(() => (done.appending = true))
    while (!done.appending) {
      await bare.ledger.settle()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await appending
    // What is acknowledged and not yet published stands in the journal still.
    disk.pull()
    const again = await openLedger(config, { files: disk.after('nothing').files() })
    assert.equal(again.ledger.size, 120)
    await again.stop()
  })
})
