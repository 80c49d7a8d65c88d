import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

test('verifies a log where there is nothing of Node, as in a browser', () => {
  const program = `
    const load = (file) => import(new URL(file, ${JSON.stringify(import.meta.url)}))
    const log = console.log
    // Modules of Node itself are loaded by now; ours must do without.
    for (const name of ['process', 'Buffer', 'global', 'require', 'setImmediate']) delete globalThis[name]
    const { sampleLog } = await load('./sample-log.ts')
    const { sha256, verifyLog } = await load('./index.ts')
    const { portableSha256 } = await load('./sha256-portable.ts')
    const { files, vkey } = await sampleLog(300)
    const report = await verifyLog((path) => files.get(path), vkey)
    log(sha256 === portableSha256, report.ok, report.size)`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  assert.equal(said, 'true true 300\n')
})
