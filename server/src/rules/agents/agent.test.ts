import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { isFault } from '../../fault.ts'
import { agentForm, mustSign } from './agent.ts'

const KEY = 'GbnvXLYe8cUbg1XlO2oBqDCdkqHWvUDd4yNCvUvGZTg='
const file = (lines: string) => `kind: Agent\nname: writer\nowner: growth\n${lines}`
const configurations = 'configurations:\n  spring: { models: [writer-large@*] }\n'
const parse = (lines: string) => agentForm.parse(file(lines), 'agents/writer.yaml')

test('an agent as a file: keys, configurations, and what is left out', () => {
  const agent = parse(`keys:\n  - ${KEY}\n${configurations}`)
  assert.deepEqual([agent.type, agent.mode, agent.keys.length], ['agent', 'live', 1])
  assert.match(agent.keys[0]!.keyid, /^[0-9a-f]{16}$/)
  assert.deepEqual(agent.configurations, { spring: { models: ['writer-large@*'], risk: 'low' } })
  assert.deepEqual(agentForm.rules(agent), [
    'agent of growth',
    'live',
    `key ${agent.keys[0]!.keyid}`,
    'must sign',
    'configuration spring: {"models":["writer-large@*"],"risk":"low"}',
  ])
})

test('keys may stand as PEM too', () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ format: 'pem', type: 'spki' })
  const indented = pem.trim().replaceAll('\n', '\n      ')
  const agent = parse(`keys:\n  - |\n      ${indented}\n${configurations}`)
  assert.equal(agent.keys.length, 1)
})

test('who has keys must sign, unless the file allows otherwise', () => {
  const signs = (lines: string) => mustSign(parse(`${lines}${configurations}`))
  assert.equal(signs(''), false)
  assert.equal(signs(`keys: [${KEY}]\n`), true)
  assert.equal(signs(`keys: [${KEY}]\nunsigned: allowed\n`), false)
  assert.equal(signs(`keys: [${KEY}]\nunsigned: refused\n`), true)
})

test('an approver is an agent of type user, and needs no configuration', () => {
  const approver = parse(`type: user\nkeys: [${KEY}]\n`)
  assert.deepEqual(approver.configurations, {})
})

const privateKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
const wrong: [what: string, lines: string, line: number][] = [
  ['an agent without a configuration', '', 1],
  ['a shadow of nobody', `mode: shadow\n${configurations}`, 1],
  ['beside whom, of one that is live', `beside: incumbent\n${configurations}`, 4],
  ['a shadow of itself', `mode: shadow\nbeside: writer\n${configurations}`, 5],
  ['a key twice', `keys:\n  - ${KEY}\n  - ${KEY}\n${configurations}`, 5],
  ['a key that is none', `keys:\n  - abc\n${configurations}`, 5],
  ['a key of small order', `keys:\n  - AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n${configurations}`, 5],
  ['a private key', `keys:\n  - |\n    ${privateKey.trim().replaceAll('\n', '\n    ')}\n${configurations}`, 5],
  ['an action that does not exist', 'configurations:\n  spring:\n    actions: [shout]\n', 6],
  ['an empty list', 'configurations:\n  spring:\n    channels: []\n', 6],
  ['a word that means nothing', `${configurations}colour: red\n`, 6],
  ['a key in force twice in YAML', `type: user\ntype: agent\n${configurations}`, 5],
  ['refusing what is unsigned without a key', `unsigned: refused\n${configurations}`, 4],
]
for (const [what, lines, line] of wrong)
  test(`refused, with its line: ${what}`, () => {
    assert.throws(
      () => parse(lines),
      (error) => isFault(error, 'invalid') && error.message.includes(`agents/writer.yaml line ${line}`),
    )
  })

test('a private key is not repeated in what refuses it', () => {
  const secret = privateKey.split('\n')[1]!
  try {
    parse(`keys:\n  - |\n    ${privateKey.trim().replaceAll('\n', '\n    ')}\n${configurations}`)
    assert.fail('it was taken')
  } catch (error) {
    assert.ok(isFault(error, 'invalid') && !error.message.includes(secret))
  }
})
