import { strict as assert } from 'node:assert'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { noteOpen } from './boot.ts'

test('a folder is torn only when the machine went down while it was open', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'whence-boot-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'database.open')
  const first = noteOpen(path)
  assert.equal(first.torn, false)
  assert.equal(noteOpen(path).torn, false, 'the process was killed, the machine was not')
  writeFileSync(path, 'another boot\n')
  assert.equal(noteOpen(path).torn, true)
  first.done()
  assert.equal(noteOpen(path).torn, false, 'an orderly end leaves no note')
})
