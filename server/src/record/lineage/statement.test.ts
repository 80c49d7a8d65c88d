import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { nodeId, parseNodeId } from './statement.ts'
import type { NodeKind } from './statement.ts'

suite('the id of a node', () => {
  test('is read back as the name it was made of, however hostile', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(
        fc.constantFrom<NodeKind[]>('dataset', 'job'),
        text,
        text,
        fc.option(text, { nil: undefined }),
        (kind, namespace, name, field) => {
          const read = parseNodeId(nodeId({ kind, namespace, name }, field))
          assert.deepEqual(
            read,
            field === undefined ? { name: { kind, namespace, name } } : { name: { kind, namespace, name }, field },
          )
        },
      ),
    )
  })

  test('leaves the usual names readable', () => {
    assert.equal(
      nodeId({ kind: 'dataset', namespace: 's3://lake', name: 'raw/sends' }),
      'dataset:s3%3A//lake:raw/sends',
    )
    assert.equal(nodeId({ kind: 'model', namespace: '', name: 'opens@1' }), 'model:opens@1')
    assert.equal(nodeId({ kind: 'stream', namespace: '', name: 'sends' }, 'campaign'), 'stream:sends#campaign')
  })

  test('is refused without a kind, a namespace or a name', () => {
    for (const id of ['', 'sends', 'table:a:b', 'dataset:a', 'dataset:a:', 'job:', '#a'])
      assert.equal(parseNodeId(id), undefined, id)
  })
})
