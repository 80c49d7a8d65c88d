import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeLine, ERASED, streamNumber } from './archive.ts'
import { Chains } from './chains.ts'

const subjectOf = (n: number): string =>
  n === 0 ? '0'.repeat(32) : (Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').repeat(4)

interface Said {
  who: number
  stream: number
  member: boolean
  erased: boolean
}

function lineOf({ who, stream, member, erased }: Said): Buffer {
  const line = encodeLine({
    length: 0,
    member,
    sealed: true,
    stream: streamNumber(`s${stream}`),
    identity: Buffer.alloc(16),
    subject: subjectOf(who),
    commit: Buffer.alloc(16),
  })
  if (erased) line[10]! |= ERASED
  return line
}

test('a subject’s records are found newest first, by stream and before a position, until it is forgotten', () => {
  const said = fc.record({
    who: fc.integer({ min: 0, max: 30 }),
    // More streams than one byte can name.
    stream: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 600 })),
    member: fc.boolean(),
    erased: fc.constantFrom(false, false, false, true),
  })
  fc.assert(
    fc.property(
      fc.array(said, { maxLength: 900, size: 'max' }),
      fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 3 }),
      fc.integer({ min: 0, max: 900 }),
      fc.constantFrom(0, 0, 1, 400),
      (all, gone, before, from) => {
        const chains = new Chains()
        const lines = Buffer.concat(all.map(lineOf))
        all.forEach((_, seq) => chains.add(lines, seq * 64))
        for (const who of gone) chains.forget(subjectOf(who))
        assert.equal(chains.count, all.length)
        for (let who = 0; who <= 30; who++) {
          const own = all.flatMap((each, seq) =>
            each.who === who && who > 0 && !each.erased && !gone.includes(who) && seq >= from && seq < before
              ? [{ ...each, seq }]
              : [],
          )
          const expected = own.map(({ seq }) => seq).toReversed()
          assert.deepEqual([...chains.of(subjectOf(who), { from, before })], expected)
          for (const stream of new Set([0, 1, ...own.slice(0, 20).map((each) => each.stream)])) {
            const number = streamNumber(`s${stream}`)
            const only = { stream: number, isOf: (seq: number) => all[seq]!.stream === stream }
            assert.deepEqual(
              [...chains.of(subjectOf(who), { from, before }, only)],
              own.flatMap((each) => (each.member && each.stream === stream ? [each.seq] : [])).toReversed(),
            )
          }
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('many subjects are held, each by its whole id', () => {
  const chains = new Chains()
  const line = (n: number): Buffer => {
    const bytes = lineOf({ who: 1, stream: 1, member: true, erased: false })
    // The first four bytes, by which it is looked for, are shared by many.
    bytes.writeUInt32LE(n % 7, 32)
    bytes.writeUInt32LE(n, 44)
    return bytes
  }
  for (let n = 0; n < 5000; n++) chains.add(line(n))
  for (let n = 0; n < 5000; n += 777)
    assert.deepEqual([...chains.of(line(n).toString('hex', 32, 48), { from: 0, before: Infinity })], [n])
})
