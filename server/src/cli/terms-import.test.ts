import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { termListForm } from '../rules/gates/terms/term-list.ts'
import { run } from './testing.ts'

let cwd: string
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'whence-terms-'))
})
after(() => rmSync(cwd, { recursive: true, force: true }))

const terms = (...argv: string[]) => run(['terms', 'import', ...argv], {}, { cwd })

test('writes a list that can be applied, and says what it left out', async () => {
  writeFileSync(join(cwd, 'words.txt'), 'free money\n!!!\nact now\n')
  const { code, stdout } = await terms('words.txt', '--language', 'en', '--severity', 'high', '--source', 'us, CC0')
  assert.equal(code, 0)
  assert.match(stdout, /policies\/words\.yaml: 2 terms, 1 left out/)
  const list = termListForm.parse(readFileSync(join(cwd, 'policies/words.yaml'), 'utf8'), 'words.yaml')
  assert.deepEqual([list.name, list.language, list.severity, list.source], ['words', 'en', 'high', 'us, CC0'])
})

test('replaces nothing unasked, and answers in JSON', async () => {
  writeFileSync(join(cwd, 'rules.json'), JSON.stringify([{ name: 'A', target: 'body', pattern: 'a+b', flags: 'i' }]))
  const first = await terms('rules.json', '--name', 'rules', '--json')
  assert.deepEqual(JSON.parse(first.stdout), { file: 'policies/rules.yaml', name: 'rules', terms: 1, skipped: [] })
  const again = await terms('rules.json', '--name', 'rules')
  assert.equal(again.code, 2)
  assert.match(again.stderr, /--force/)
  assert.equal((await terms('rules.json', '--name', 'rules', '--force')).code, 0)
})

test('refuses what is no list, and writes nothing', async () => {
  writeFileSync(join(cwd, 'empty.txt'), '# nothing\n')
  assert.equal((await terms('empty.txt')).code, 1)
  assert.equal((await terms('absent.txt')).code, 2)
  assert.equal((await terms('empty.txt', '--severity', 'awful')).code, 2)
  assert.ok(!existsSync(join(cwd, 'policies/empty.yaml')))
})
