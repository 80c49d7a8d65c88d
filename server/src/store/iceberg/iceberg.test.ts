// The format: what other implementations read is what the specification says.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isFault } from '../../fault.ts'
import { readAvro, writeAvro } from './avro.ts'
import { boundOf, fromStatistics, lowerBound, upperBound } from './bounds.ts'
import { change, filesOf, referenced, rewrite } from './change.ts'
import { DELETED, EXISTING, readManifest } from './manifest.ts'
import type { DataFile } from './manifest.ts'
import { readManifestList } from './manifest-list.ts'
import { formatMetadata, newTable, parseMetadata, snapshotOf, withoutSnapshots, withSchema } from './metadata.ts'
import type { TableMetadata } from './metadata.ts'
import { bucketHash, bucketOf, dayOf, partitionSpec } from './partition.ts'
import { evolve } from './schema.ts'
import type { Schema } from './schema.ts'

const faults = (code: 'altered' | 'conflict' | 'invalid') => (error: unknown) => isFault(error, code)

suite('hashes and bounds', () => {
  test('a bucket is taken of the hash that the specification gives for each type (appendix B)', () => {
    assert.equal(bucketHash(34n, 'long'), 2_017_239_379)
    assert.equal(bucketHash(1420n, 'decimal(9, 2)'), -500_754_589)
    assert.equal(bucketHash(17_486n, 'date'), -653_330_422)
    assert.equal(bucketHash(1_510_871_468_000_000n, 'timestamp'), -2_047_944_441)
    assert.equal(bucketHash('iceberg', 'string'), 1_210_000_089)
    assert.equal(bucketHash(Buffer.from([0, 1, 2, 3]), 'binary'), -188_683_207)
    assert.equal(bucketOf(34n, 'long', 16), 2_017_239_379 % 16)
    assert.ok(bucketOf(17_486n, 'date', 16) >= 0)
  })

  test('a day begins at midnight also before the epoch', () => {
    assert.equal(dayOf(0), 0)
    assert.equal(dayOf(-1), -1)
    assert.equal(dayOf(86_400_000_000), 1)
  })

  test('values are written as the specification says (appendix D)', () => {
    assert.equal(boundOf(34n, 'long').toString('hex'), '2200000000000000')
    assert.equal(boundOf(-1n, 'timestamp').toString('hex'), 'ffffffffffffffff')
    assert.equal(boundOf(1, 'date').toString('hex'), '01000000')
    assert.equal(boundOf(1420n, 'decimal(9, 2)').toString('hex'), '058c')
    assert.equal(boundOf(-129n, 'decimal(9, 2)').toString('hex'), 'ff7f')
    assert.equal(boundOf(128n, 'decimal(9, 2)').toString('hex'), '0080')
  })

  test('a long bound is cut so that nothing lies outside it', () => {
    const long = 'a'.repeat(15) + '😀' + 'tail'
    assert.equal(lowerBound(long, 'string').toString(), 'a'.repeat(15) + '😀')
    assert.equal(upperBound(long, 'string')!.toString(), 'a'.repeat(15) + '😁')
    assert.equal(upperBound('\u{10ffff}'.repeat(17), 'string'), undefined)
    const before = 'b'.repeat(15) + '\ud7ff' + 'x'
    const up = upperBound(before, 'string')!
    assert.ok(Buffer.compare(up, Buffer.from(before)) > 0 && !up.toString().includes('\ufffd'))
    assert.deepEqual(upperBound(Buffer.alloc(17, 0xff), 'binary'), undefined)
    const bytes = Buffer.concat([Buffer.alloc(15, 1), Buffer.from([0xff, 7])])
    assert.equal(upperBound(bytes, 'binary')!.toString('hex'), '01'.repeat(14) + '02')
  })

  test('what the engine prints of a column is read back exactly, or not at all', () => {
    assert.equal(fromStatistics('9007199254740993', 'long'), 9_007_199_254_740_993n)
    assert.equal(fromStatistics('-0.05', 'decimal(9, 2)'), -5n)
    assert.equal(fromStatistics('1.234', 'decimal(9, 2)'), undefined)
    assert.equal(fromStatistics('nan', 'double'), undefined)
    assert.equal(fromStatistics('2026-02-02 02:40:00.000001', 'timestamp'), 1_770_000_000_000_001n)
    assert.equal(fromStatistics('10000-01-01 00:00:00', 'timestamp'), undefined)
    assert.deepEqual(fromStatistics('\\x00a\\x5C', 'binary'), Buffer.from([0, 0x61, 0x5c]))
    assert.equal(fromStatistics('ä', 'binary'), undefined)
  })
})

suite('files', () => {
  const schema = {
    type: 'record',
    name: 'pair',
    fields: [
      { name: 'id', type: ['null', 'long'], default: null, 'field-id': 7 },
      { name: 'name', type: 'string', 'field-id': 8 },
    ],
  }

  test('a container keeps field ids and all 64 bits, and equal rows give equal bytes', () => {
    const rows = [
      { id: 2n ** 63n - 1n, name: 'ä' },
      { id: null, name: '' },
    ]
    const bytes = writeAvro(schema, { more: 'x' }, rows)
    assert.deepEqual(bytes, writeAvro(schema, { more: 'x' }, rows))
    const read = readAvro(bytes)
    assert.deepEqual(
      read.rows.map((row) => ({ ...(row as object) })),
      rows,
    )
    assert.equal(read.metadata.more, 'x')
    assert.match(read.metadata['avro.schema']!, /"field-id":7/)
    assert.deepEqual(readAvro(writeAvro(schema, {}, [])).rows, [])
  })

  test('a container that was cut, wherever, is refused', () => {
    const bytes = writeAvro(schema, {}, [{ id: 1n, name: 'somebody' }])
    let whole = 0
    for (let at = 0; at < bytes.length; at++) {
      try {
        // Cut right behind its header it is one without rows.
        assert.deepEqual(readAvro(bytes.subarray(0, at)).rows, [])
        whole++
      } catch (error) {
        assert.ok(isFault(error, 'altered'))
      }
    }
    assert.equal(whole, 1)
  })

  test('metadata keeps ids of 63 bits, and is refused when it is anything else', () => {
    const { metadata } = appended(table(), 2n ** 62n + 1n, ['a'])
    const text = formatMetadata(metadata)
    assert.match(text, /"snapshot-id":4611686018427387905/)
    assert.deepEqual(parseMetadata(text), metadata)
    assert.equal(formatMetadata(parseMetadata(text)), text)
    for (const bad of ['', '{', '[]', 'null', '{"format-version":1}'])
      assert.throws(() => parseMetadata(bad), faults('altered'))
  })
})

const disk = new Map<string, Buffer>()
const read = (location: string): Buffer => disk.get(location)!
let token = 0

function table(): TableMetadata {
  const { fields, lastId } = evolve(undefined, 0, [
    { name: 'seq', type: 'BIGINT' },
    { name: 'time', type: 'TIMESTAMP' },
  ])
  const schema: Schema = { type: 'struct', 'schema-id': 0, fields }
  return newTable({ uuid: 'u', location: 'file:///t', now: 1, schema, lastId, spec: partitionSpec(schema, []) })
}

function file(name: string, rows = 10): DataFile {
  return { location: `file:///t/data/${name}`, rows, bytes: rows * 10, partition: [], columns: [] }
}

function appended(metadata: TableMetadata, snapshotId: bigint, names: string[], remove: string[] | 'all' = []) {
  const made = change(
    metadata,
    {
      operation: 'append',
      snapshotId,
      add: names.map((name) => file(name)),
      remove: remove === 'all' ? 'all' : new Set(remove.map((name) => `file:///t/data/${name}`)),
      summary: {},
      now: 2,
      token: `t${++token}`,
    },
    read,
  )
  for (const { location, bytes } of made.prepared) disk.set(location, bytes)
  return made
}

const names = (metadata: TableMetadata, id = metadata['current-snapshot-id']): string[] =>
  filesOf(snapshotOf(metadata, id), read)
    .map(({ location }) => location.slice('file:///t/data/'.length))
    .toSorted()

suite('snapshots', () => {
  test('an overwrite notes what left, keeps whose the rest is, and leaves earlier snapshots as they are', () => {
    const first = appended(table(), 1n, ['a', 'b']).metadata
    const second = appended(first, 2n, ['c'], ['a']).metadata
    assert.deepEqual(names(second), ['b', 'c'])
    assert.deepEqual(names(second, 1n), ['a', 'b'])
    const list = readManifestList(read(snapshotOf(second, 2n)!['manifest-list']))
    const entries = list.flatMap((manifest) => readManifest(read(manifest.manifest_path)))
    const of = (name: string) => entries.find((entry) => entry.file.location.endsWith(name))!
    assert.deepEqual([of('a').status, of('a').snapshotId], [DELETED, 2n])
    assert.deepEqual([of('b').status, of('b').snapshotId, of('b').sequence], [EXISTING, 1n, 1])
    assert.equal(of('c').sequence, undefined)
    assert.equal(snapshotOf(second, 2n)!.summary['total-records'], '20')
    assert.throws(() => appended(second, 3n, [], ['a']), faults('conflict'))
    assert.throws(() => appended(second, 2n, ['d']), faults('conflict'))
  })

  test('manifests are merged, and nothing is lost by it', () => {
    let metadata = table()
    for (let n = 1; n <= 60; n++) metadata = appended(metadata, BigInt(n), [`f${n}`]).metadata
    const list = readManifestList(read(snapshotOf(metadata, 60n)!['manifest-list']))
    assert.ok(list.length <= 18, `${list.length} manifests`)
    assert.equal(names(metadata).length, 60)
    assert.equal(names(metadata, 20n).length, 20)
    const sequences = list.flatMap((manifest) =>
      readManifest(read(manifest.manifest_path)).map((entry) => entry.sequence ?? Number(manifest.sequence_number)),
    )
    assert.deepEqual(
      sequences.toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, n) => n + 1),
    )
  })

  test('rewriting a file changes it in every snapshot that has it, and no id', () => {
    const before = appended(appended(table(), 1n, ['a']).metadata, 2n, ['b']).metadata
    const again = rewrite(
      before,
      (one) => (one.location.endsWith('/a') ? { ...file('a2', 9), partition: [] } : one),
      { location: before.location, token: 'r' },
      read,
    )
    for (const { location, bytes } of again.prepared) disk.set(location, bytes)
    assert.deepEqual(again.snapshots, [1n, 2n])
    assert.deepEqual([names(again.metadata, 1n), names(again.metadata)], [['a2'], ['a2', 'b']])
    assert.equal(snapshotOf(again.metadata, 2n)!.summary['total-records'], '19')
    assert.ok(![...referenced(again.metadata, read)].some((location) => location.endsWith('/data/a')))
  })

  test('snapshots expire but for the current one, and the log has no gap', () => {
    let metadata = table()
    for (let n = 1; n <= 4; n++) metadata = appended(metadata, BigInt(n), [`g${n}`], 'all').metadata
    const after = withoutSnapshots(metadata, new Set([2n]))
    assert.deepEqual(
      after.snapshots.map((one) => one['snapshot-id']),
      [1n, 3n, 4n],
    )
    assert.deepEqual(
      after['snapshot-log'].map((one) => one['snapshot-id']),
      [3n, 4n],
    )
    assert.throws(() => withoutSnapshots(metadata, new Set([4n])), faults('conflict'))
  })

  test('a column that comes gets a new number, and one that changes its type too', () => {
    const first = table()
    const wider = evolve(first.schemas[0], 2, [{ name: 'value', type: 'DOUBLE' }])
    assert.deepEqual(
      wider.fields.map(({ id, name }) => [id, name]),
      [
        [1, 'seq'],
        [2, 'time'],
        [3, 'value'],
      ],
    )
    const second = withSchema(first, wider.fields, wider.lastId)
    const retyped = evolve(second.schemas.at(-1), 3, [{ name: 'VALUE', type: 'BIGINT' }])
    assert.deepEqual(
      retyped.fields.map(({ id, type }) => [id, type]),
      [
        [1, 'long'],
        [2, 'timestamp'],
        [4, 'long'],
      ],
    )
    assert.equal(evolve(second.schemas.at(-1), 3, [{ name: 'value', type: 'DOUBLE' }]).changed, false)
    assert.throws(
      () =>
        evolve(undefined, 0, [
          { name: 'a', type: 'DOUBLE' },
          { name: 'A', type: 'DOUBLE' },
        ]),
      faults('invalid'),
    )
  })
})
