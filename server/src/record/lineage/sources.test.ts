import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sourcesOf } from './sources.ts'

/** `a>b` data, `a=b` two names. The kind is the first letter's: a job is `j…`, the rest are datasets. */
const edges = (...texts: string[]) =>
  texts.map((text) => {
    const [from, to] = text.split(/[>=]/) as [string, string]
    return { from, to, how: text.includes('=') ? ('symlink' as const) : ('write' as const) }
  })
const nodes = (...texts: string[]) =>
  texts.map((text) => {
    const [id, depth] = text.split(':') as [string, string]
    return { id, kind: id.startsWith('j') ? 'job' : 'dataset', depth: Number(depth) }
  })
const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id)

describe('where ways end', () => {
  test('at what nobody writes', () => {
    const found = sourcesOf(nodes('c:0', 'j:1', 'a:2', 'b:2'), edges('j>c', 'a>j', 'b>j'))
    assert.deepEqual(ids(found), ['a', 'b'])
  })

  test('at what a job makes out of nothing, and not at that job', () => {
    const walk = [nodes('c:0', 'j1:1', 'a:2', 'j2:3'), edges('j1>c', 'a>j1', 'j2>a')] as const
    assert.deepEqual(ids(sourcesOf(...walk)), ['a'])
    assert.deepEqual(ids(sourcesOf(...walk, 3)), [], 'nobody has looked at what the last job reads')
    assert.deepEqual(ids(sourcesOf(nodes('c:0', 'j:1'), edges('j>c'))), ['c'])
  })

  test('not at what one job makes out of nothing and another fills', () => {
    const found = sourcesOf(nodes('c:0', 'j1:1', 'j2:1', 'a:2'), edges('j1>c', 'j2>c', 'a>j2'))
    assert.deepEqual(ids(found), ['a'])
  })

  test('a dataset with several names is one, whichever way round they are told', () => {
    for (const symlink of ['a=x', 'x=a'])
      assert.deepEqual(ids(sourcesOf(nodes('c:0', 'j:1', 'a:2', 'x:2'), edges('j>c', 'a>j', symlink))), ['a'])
    for (const symlinks of [
      ['c=x', 'x=y'],
      ['y=c', 'y=x'],
    ]) {
      const found = sourcesOf(nodes('x:0', 'c:0', 'y:0', 'j:1', 'a:2'), edges('j>c', 'a>j', ...symlinks))
      assert.deepEqual(ids(found), ['a'], 'written under one name, it is fed under each')
    }
  })
})
