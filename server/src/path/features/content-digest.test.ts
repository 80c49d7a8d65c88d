// The digest of a training set, made by code that shares nothing with ours but the words of docs/spec/training-sets.md.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { quote } from '../../store/columns.ts'
import type { Column } from '../../store/columns.ts'
import { contentDigest, sharedHashes } from './content-digest.ts'
import { sidecar, writeRows } from './rows.ts'
import { testFolder } from './testing.ts'

type Cell = string | number | bigint | boolean | null
const sha256 = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest()

/** As Python's repr writes a double. */
function repr(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    const size = String(Math.abs(power)).padStart(2, '0')
    return `${digits}e${power < 0 ? '-' : '+'}${size}`
  }
  const plain =
    Math.abs(value) < 1 && value !== 0
      ? value.toFixed(Math.max(0, -power + digits.replace(/\D/g, '').length - 1))
      : String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}

function digestBySpec(
  columns: readonly Column[],
  rows: readonly { subject: string; cells: readonly Cell[] }[],
): string {
  const hashes = rows.map(({ subject, cells }) =>
    sha256(
      [
        'row/1',
        subject,
        ...cells.map((cell, i) => {
          if (cell === null) return '-'
          if (columns[i]!.type === 'DOUBLE') return repr(cell as number)
          return columns[i]!.type === 'VARCHAR' ? `${Buffer.byteLength(cell as string)}:${cell}` : String(cell)
        }),
      ].join(','),
    ),
  )
  const names = JSON.stringify([['subject', 'BLOB'], ...columns.map(({ name, type }) => [name, type])])
  return sha256(Buffer.concat([Buffer.from(`content/1\n${names}\n`), ...hashes.toSorted(Buffer.compare)])).toString(
    'hex',
  )
}

const columns: Column[] = [
  { name: 'at', type: 'TIMESTAMP' },
  { name: 'label', type: 'BOOLEAN' },
  { name: 'present', type: 'BOOLEAN' },
  { name: 'clicks', type: 'BIGINT' },
  { name: 'tier', type: 'VARCHAR' },
  { name: 'share', type: 'DOUBLE' },
]
const example = [
  { subject: '000102030405060708090a0b0c0d0e0f', cells: [1772841600000000, true, true, 3, 'gold', 0.1] },
  { subject: '101112131415161718191a1b1c1d1e1f', cells: [1772841600000001, false, false, 0, null, 1e16] },
]

test('the example of the specification has the digest that stands there', () => {
  const text = readFileSync(new URL('../../../../docs/spec/training-sets.md', import.meta.url), 'utf8')
  const [, said] = /^content\/1 {2}([0-9a-f]{64})$/m.exec(text) ?? []
  assert.equal(said, digestBySpec(columns, example))
  assert.equal(said, digestBySpec(columns, example.toReversed()))
})

test('the digest of a file is the one of the specification, whatever its values and their order', async () => {
  const { folder, columns: store } = await testFolder()
  let n = 0
  const cell = fc.record({
    subject: fc.integer({ min: 0, max: 2 ** 31 }).map((id) => id.toString(16).padStart(32, '0')),
    at: fc.integer({ min: 0, max: 2 ** 45 }),
    label: fc.boolean(),
    present: fc.boolean(),
    clicks: fc.option(fc.maxSafeInteger(), { nil: null }),
    tier: fc.option(
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      { nil: null },
    ),
    share: fc.option(
      fc
        .oneof(fc.double({ noNaN: true }), fc.constantFrom(1e16, 1e15, 1e-4, 1e-5, 123456789.125, 5e-324, 1e22))
        .map((x) => x + 0),
      { nil: null },
    ),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 40 }), async (rows) => {
      const written = await store.session(async (session) => {
        await session.load(
          'given',
          [
            { name: 'subject', type: 'BLOB', of: (row: (typeof rows)[number]) => row.subject },
            ...columns.map(({ name, type }) => ({
              name,
              type,
              of: (row: (typeof rows)[number]) => row[name as 'at'],
            })),
          ],
          [rows],
        )
        return writeRows(
          { columns: store, folder },
          session,
          'SELECT * FROM given',
          columns,
          '"at", subject',
          `training/d${n++}`,
        )
      })
      const path = join(folder, written.files[0]!.path)
      const read = await store.rows<Record<string, Cell>>(
        `SELECT lower(hex(subject)) AS who, * FROM read_parquet(${quote(path)})`,
      )
      const found = read.map((row) => ({
        subject: row['who'] as string,
        cells: columns.map(({ name }) => row[name]!),
      }))
      const hashes = await readFile(sidecar(path))
      assert.equal(contentDigest(columns, hashes), digestBySpec(columns, found.toReversed()))
      assert.equal(sharedHashes(hashes, hashes), rows.length)
      assert.equal(sharedHashes(hashes, hashes.subarray(32)), rows.length - 1)
    }),
    { numRuns: 25 },
  )
})

test('another value, name, type, a row more or less: each is another digest', () => {
  const [first, second] = example as [(typeof example)[0], (typeof example)[0]]
  const renamed = columns.map((column, i) => (i === 3 ? { ...column, name: 'click' } : column))
  const retyped = columns.map((column, i) => (i === 3 ? { ...column, type: 'DECIMAL(18,0)' as const } : column))
  const digests = [
    digestBySpec(columns, example),
    digestBySpec(renamed, example),
    digestBySpec(retyped, example),
    digestBySpec(columns, [first]),
    digestBySpec(columns, [first, second, second]),
    digestBySpec(columns, [first, { ...second, cells: second.cells.with(3, 1) }]),
  ]
  assert.equal(new Set(digests).size, digests.length)
})
