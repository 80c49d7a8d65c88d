import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineSplitter } from './lines.ts'
import type { Line } from './lines.ts'

const shown = (line: Line) =>
  'bytes' in line && typeof line.bytes !== 'number' ? Buffer.from(line.bytes).toString('latin1') : line

function linesOf(chunks: readonly Uint8Array[], limit = 100): unknown[] {
  const splitter = new LineSplitter(limit)
  const lines = [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()]
  assert.deepEqual(
    lines.map(({ number }) => number),
    lines.map((_, at) => at + 1),
  )
  return lines.map(shown)
}

const whole = (text: string, limit?: number) => linesOf([Buffer.from(text, 'latin1')], limit)

test('lines end with LF or CRLF, the last one with nothing', () => {
  assert.deepEqual(whole('a\nb\r\nc'), ['a', 'b', 'c'])
  assert.deepEqual(whole('a\n'), ['a'])
  assert.deepEqual(whole(''), [])
  assert.deepEqual(whole('a\rb\n'), ['a\rb'])
  assert.deepEqual(whole('a\r'), ['a'])
})

test('blank lines are counted and reported', () => {
  assert.deepEqual(whole('a\n\n \t\r\n\nb'), [
    'a',
    { number: 2, blank: true },
    { number: 3, blank: true },
    { number: 4, blank: true },
    'b',
  ])
})

test('a line over the limit is skipped and measured', () => {
  assert.deepEqual(whole('12345\n123456\n12345\r\n123456\r\n1\n', 5), [
    '12345',
    { number: 2, tooLong: true, bytes: 6 },
    '12345',
    { number: 4, tooLong: true, bytes: 6 },
    '1',
  ])
  assert.deepEqual(whole('123456', 5), [{ number: 1, tooLong: true, bytes: 6 }])
})

test('a line that is too long is not held while it comes in', () => {
  const splitter = new LineSplitter(1000)
  const chunk = Buffer.alloc(1 << 20, 'x')
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 200; n++) assert.deepEqual(splitter.push(chunk), [])
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 << 20)
  assert.deepEqual(splitter.push(Buffer.from('\nnext\n')).map(shown), [
    { number: 1, tooLong: true, bytes: 200 << 20 },
    'next',
  ])
})

test('a long line in single bytes takes linear time', () => {
  const splitter = new LineSplitter(1 << 20)
  const byte = Buffer.from('x')
  for (let n = 0; n < 1 << 20; n++) splitter.push(byte)
  assert.equal((splitter.end()[0] as { bytes: Uint8Array }).bytes.length, 1 << 20)
})

test('a byte-order mark is no part of the first line', () => {
  assert.deepEqual(whole('\xef\xbb\xbf12345\n\xef\xbb\xbf', 5), ['12345', '\xef\xbb\xbf'])
  assert.deepEqual(
    linesOf(
      [...Buffer.from('\xef\xbb\xbf12345\r\n', 'latin1')].map((byte) => Uint8Array.of(byte)),
      5,
    ),
    ['12345'],
  )
})

test('how the bytes are cut into chunks changes nothing', () => {
  const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', '\r', ' ', '\xef\xbb\xbf'), { maxLength: 40 })
  fc.assert(
    fc.property(text, fc.array(fc.nat(6)), fc.integer({ min: 1, max: 8 }), (parts, cuts, limit) => {
      const bytes = Buffer.from(parts.join(''), 'latin1')
      const chunks: Uint8Array[] = []
      let at = 0
      for (const cut of cuts) chunks.push(bytes.subarray(at, (at += cut)))
      chunks.push(bytes.subarray(at))
      assert.deepEqual(linesOf(chunks, limit), linesOf([bytes], limit))
    }),
    { numRuns: 2000 },
  )
})
