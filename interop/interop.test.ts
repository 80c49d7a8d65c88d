// Logs that our code writes, held against programs that others wrote. Needs Go and its module proxy; skipped without.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import {
  consistencyPlan,
  formatTlogProof,
  inclusionPlan,
  solveSync,
  toBase64,
  verifyCheckpoint,
  verifyProof,
} from '@whence/ledger'

import { sampleEntry, sampleLog } from '../ledger/src/sample-log.ts'
import { fsck } from './fsck.ts'
import { buildCheck, goIsHere } from './tools.ts'
import { startWitness } from './witness/run.ts'
import type { Witness } from './witness/run.ts'

const home = mkdtempSync(join(tmpdir(), 'interop-'))
after(() => rmSync(home, { recursive: true, force: true }))

const logs = new Map<number, Map<string, Uint8Array>>()
const vkeyFile = join(home, 'log.vkey')
let vkey = ''
for (const size of [0, 1, 3, 256, 300, 70_000]) {
  const log = await sampleLog(size)
  logs.set(size, log.files)
  vkey = log.vkey
  writeLog(folderOf(size), log.files)
}
writeFileSync(vkeyFile, vkey)

function folderOf(size: number): string {
  return join(home, `log-${size}`)
}

function writeLog(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of files) write(join(folder, path), bytes)
}

function write(file: string, content: string | Uint8Array): string {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  return file
}

/** The log of `size`, in a folder of its own, with one byte of a file changed. */
function damagedLog(size: number, path: string): string {
  const bytes = logs.get(size)!.get(path)!.slice()
  bytes[bytes.length - 1]! ^= 1
  const folder = mkdtempSync(join(home, 'damaged-'))
  writeLog(folder, new Map([...logs.get(size)!, [path, bytes]]))
  return folder
}

async function run(program: string, ...args: string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn(program, args)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, said }
}

const server = createServer((request, response) => {
  try {
    response.end(readFileSync(join(home, request.url!)))
  } catch {
    response.statusCode = 404
    response.end()
  }
})
before(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)))
after(() => server.close())
const urlOf = (size: number) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/log-${size}/`

function proofOf(index: number, size: number, checkpoint = textOf(size)): string {
  const hashes = solveSync(inclusionPlan(index, size), size, (path) => logs.get(size)!.get(path))
  return formatTlogProof({ index, hashes, checkpoint })
}

function textOf(size: number): string {
  return Buffer.from(logs.get(size)!.get('checkpoint')!).toString()
}

const options = { skip: goIsHere() ? false : 'Go is not installed' }

describe('Tessera fsck', options, () => {
  const accepts = async (url: string) => (await fsck(url, vkeyFile)).ok

  for (const size of [1, 3, 256, 300, 70_000]) {
    test(`finds no fault in a log of ${size}`, async () => {
      assert.ok(await accepts(`file://${folderOf(size)}/`))
    })
  }

  test('finds no fault over HTTP', async () => {
    assert.ok(await accepts(urlOf(300)))
  })

  for (const path of ['checkpoint', 'tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/000']) {
    test(`refuses a log in which ${path} was changed`, async () => {
      const { ok, said } = await fsck(`file://${damagedLog(300, path)}/`, vkeyFile)
      assert.ok(!ok && said.includes('fsck failed'), said)
    })
  }
})

describe('golang.org/x/mod/sumdb', options, () => {
  let program = ''
  before(() => void (program = buildCheck()))
  const check = (...args: string[]) => run(program, '--vkey', vkeyFile, ...args)
  const entryFile = write(join(home, 'entry'), sampleEntry(255))
  const proofFile = write(join(home, 'entry.tlog-proof'), proofOf(255, 300))
  const olderFile = join(folderOf(300), 'checkpoint')

  test('agrees on checkpoints, tiles, growth and proofs, over HTTP and in a folder', async () => {
    for (const log of [urlOf(70_000), folderOf(70_000)]) {
      const { code, said } = await check('--log', log, '--old', olderFile, '--proof', proofFile, '--entry', entryFile)
      assert.equal(code, 0, said)
      assert.deepEqual(said.match(/^ok/gm)?.length, 5, said)
    }
    for (const size of [0, 1, 3, 256]) assert.equal((await check('--log', folderOf(size))).code, 0)
  })

  test('refuses another entry, and proofs that were changed', async () => {
    const other = write(join(home, 'other-entry'), sampleEntry(254))
    assert.equal((await check('--proof', proofFile, '--entry', other)).code, 1)
    const lines = readFileSync(proofFile, 'utf8').split('\n')
    for (let at = 0; at < lines.length - 1; at++) {
      if (lines[at] === '') continue
      const changed = lines.with(
        at,
        lines[at]!.replace(/.$/, (char) => (char === 'A' ? 'B' : 'A')),
      )
      const file = write(join(home, 'changed.tlog-proof'), changed.join('\n'))
      const { code, said } = await check('--proof', file, '--entry', entryFile)
      assert.equal(code, 1, said)
    }
  })

  test('refuses a log that shrank, whose past is another, or whose tiles were changed', async () => {
    const newer = join(folderOf(70_000), 'checkpoint')
    assert.equal((await check('--log', folderOf(300), '--old', newer)).code, 1)
    const other = await sampleLog(300, (n) => sampleEntry(n === 7 ? 8 : n))
    const fork = write(join(home, 'fork', 'checkpoint'), other.files.get('checkpoint')!)
    assert.equal((await check('--log', folderOf(70_000), '--old', fork)).code, 1)
    for (const path of ['checkpoint', 'tile/0/001.p/44', 'tile/1/000.p/1']) {
      assert.equal((await check('--log', damagedLog(300, path))).code, 1)
    }
  })
})

describe('omniwitness', options, () => {
  let witness: Witness
  let check = ''
  before(async () => {
    check = buildCheck()
    witness = await startWitness(await freePort(), vkey)
  })
  after(() => witness.stop())

  const submit = (old: number, size: number, proof = growth(old, size)) =>
    fetch(`${witness.url}add-checkpoint`, {
      method: 'POST',
      body: `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${textOf(size)}`,
    })
  const growth = (old: number, size: number) =>
    solveSync(consistencyPlan(old, size), size, (path) => logs.get(size)!.get(path))

  test('cosigns a log as it grows, and we verify what it says', async () => {
    for (const [old, size] of [
      [0, 3],
      [3, 300],
      [300, 300],
      [300, 70_000],
    ] as const) {
      const answer = await submit(old, size)
      assert.equal(answer.status, 200)
      const cosigned = textOf(size) + (await answer.text())
      const { cosignatures } = await verifyCheckpoint(cosigned, vkey, { witnesses: [witness.vkey] })
      assert.equal(cosignatures.length, 1)
      assert.ok(Math.abs(cosignatures[0]!.time - Date.now() / 1000) < 60)
      const proof = proofOf(1, size, cosigned)
      assert.ok((await verifyProof(proof, sampleEntry(1), vkey, { witnesses: [witness.vkey] })).ok)

      const [proofFile, entryFile] = [join(home, 'cosigned.tlog-proof'), write(join(home, 'first'), sampleEntry(1))]
      write(proofFile, proof)
      const witnessFile = write(join(home, 'witness.vkey'), witness.vkey)
      const args = ['--vkey', vkeyFile, '--witness', witnessFile, '--proof', proofFile, '--entry', entryFile]
      const { code, said } = await run(check, ...args)
      assert.equal(code, 0, said)
    }
  })

  test('answers with its size if ours is not the one it knows', async () => {
    const answer = await submit(3, 70_000)
    assert.equal(answer.status, 409)
    assert.equal(answer.headers.get('content-type'), 'text/x.tlog.size')
    assert.equal(await answer.text(), '70000\n')
  })

  test('refuses a proof of another past, and the checkpoint of a log that it does not know', async () => {
    const grown = await sampleLog(70_001, (n) => sampleEntry(n === 0 ? 1 : n))
    logs.set(70_001, grown.files)
    assert.equal((await submit(70_000, 70_001)).status, 422)
    const stranger = textOf(3).replace('ledger.example/demo\n', 'ledger.example/else\n')
    const answer = await fetch(`${witness.url}add-checkpoint`, { method: 'POST', body: `old 0\n\n${stranger}` })
    assert.ok(!answer.ok)
  })
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => void probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
