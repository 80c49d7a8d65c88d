import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

test('signs and verifies statements where there is nothing of Node, as in a browser', () => {
  const program = `
    const log = console.log
    // Modules of Node itself are loaded by now; ours must do without.
    for (const name of ['process', 'Buffer', 'global', 'require', 'setImmediate']) delete globalThis[name]
    const sdk = await import(new URL('./index.ts', ${JSON.stringify(import.meta.url)}))
    const { key, file } = await sdk.createAgentKey('pem')
    const statement = sdk.statementOf({ id: 'a-1', type: 'send', actor: { type: 'agent', id: 'writer' }, entity: 'c-1' })
    const envelope = sdk.envelopeOf(statement, [await sdk.signStatement(statement, await sdk.readAgentKey(file))])
    const verdict = await sdk.verifyEnvelope(JSON.stringify(envelope), [key.publicKey])
    log(verdict.ok, sdk.statementDigest(verdict.statement) === sdk.statementDigest(statement))`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  assert.equal(said, 'true true\n')
})
