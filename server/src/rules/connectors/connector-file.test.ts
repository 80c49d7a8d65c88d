import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectorForm, owns } from './connector-file.ts'

const file = (lines: string): string => `kind: Connector\nname: mailing\n${lines}`
const parse = (lines: string) => connectorForm.parse(file(lines), 'mailing.yaml')
const least = `type: http\nurl: https://shop.example/whence\nowns: { prices: ['*'] }`

test('a file says what its system owns', () => {
  const policy = parse(`type: listmonk
url: https://mail.example
owns: { campaigns: ['spring-*', 'summer'] }
campaigns: { spring-sale: '12' }
credentials: { user: WHENCE_CONNECTOR_MAIL_USER, password: WHENCE_CONNECTOR_MAIL_TOKEN }
timeout: 1500ms`)
  assert.ok(owns(policy, { kind: 'campaign', id: 'spring-sale' }))
  assert.ok(!owns(policy, { kind: 'campaign', id: 'winter' }))
  assert.ok(!owns(policy, { kind: 'price', id: 'spring-sale' }))
  assert.deepEqual([policy.timeout, policy.retries, policy.confirmWithin], [1500, 2, 10_000])
  assert.deepEqual(connectorForm.rules(policy), [
    'listmonk at https://mail.example',
    'owns campaigns spring-*',
    'owns campaigns summer',
    'campaign spring-sale is 12',
    'credentials WHENCE_CONNECTOR_MAIL_USER, WHENCE_CONNECTOR_MAIL_TOKEN',
    '1500 ms a request, 2 retries, confirmed within 10000 ms',
  ])
})

const wrong: [name: string, lines: string, says: RegExp][] = [
  ['owns nothing', `type: http\nurl: https://a.example\nowns: {}`, /line \d+: owns: say what it owns/],
  ['an unknown key', `${least}\nretry: 3`, /line 6: the policy/],
  ['an unknown type', least.replace('http', 'soap'), /line 3: type/],
  ['no address', least.replace('https://shop.example/whence', 'ftp://shop.example'), /line 4: url/],
  ['a secret in the address', least.replace('shop.example', 'me:secret@shop.example'), /holds a secret/],
  ['a query', least.replace('/whence', '/whence?a=b'), /leave out what follows/],
  ['a secret in the file', `${least}\ncredentials: { token: hunter2 }`, /name of an environment variable/],
  [
    'a variable that is not for connectors',
    `${least}\ncredentials: { token: WHENCE_KEK }`,
    /begins with WHENCE_CONNECTOR_/,
  ],
  [
    'a secret in the open',
    `${least.replace('https', 'http')}\ncredentials: { token: WHENCE_CONNECTOR_T }`,
    /use https, or say plaintext: allowed/,
  ],
  ['a time-out of an hour', `${least}\ntimeout: 3600s`, /longer than 30s/],
  ['prices of a listmonk', least.replace('http\n', 'listmonk\n'), /campaigns only/],
  [
    'a number that is none',
    `type: listmonk\nurl: https://a.example\nowns: { campaigns: ['*'] }\ncampaigns: { a: ../lists }`,
    /the numbers/,
  ],
]
for (const [name, lines, says] of wrong)
  test(`refuses ${name}`, () => {
    assert.throws(() => parse(lines), says)
  })

test('secrets go in the open only to this machine, or where the file says so', () => {
  const token = 'credentials: { token: WHENCE_CONNECTOR_T }'
  for (const host of ['127.0.0.1:9000', 'localhost', '[::1]:1'])
    parse(`type: http\nurl: http://${host}\nowns: { flags: ['*'] }\n${token}`)
  for (const host of ['127.0.0.1.example.com', 'localhost.example', '10.0.0.1'])
    assert.throws(() => parse(`type: http\nurl: http://${host}\nowns: { flags: ['*'] }\n${token}`), /use https/)
  parse(`type: http\nurl: http://10.0.0.1\nowns: { flags: ['*'] }\n${token}\nplaintext: allowed`)
})
