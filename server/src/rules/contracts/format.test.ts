import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFormat } from './format.ts'

const cases: Record<keyof typeof isFormat, [good: string[], bad: string[]]> = {
  email: [
    ['a@b.de', 'first.last+tag@sub.example.org', "o'hara@example.org", 'zoë@example.org', 'a@localhost'],
    [
      '',
      'a',
      '@b.de',
      'a@',
      'a b@c.de',
      '.a@b.de',
      'a.@b.de',
      'a..b@c.de',
      'a@b@c.de',
      'a@-b.de',
      'a@b..de',
      `${'a'.repeat(65)}@b.de`,
      `a@${'b'.repeat(300)}`,
    ],
  ],
  uuid: [
    ['123e4567-e89b-12d3-a456-426614174000', '123E4567-E89B-12D3-A456-426614174000'],
    ['123e4567e89b12d3a456426614174000', '123e4567-e89b-12d3-a456-42661417400g', ''],
  ],
  uri: [
    ['https://example.org/a?b=c#d', 'urn:uuid:1', 'mailto:a@b.de', 'http://[::1]/', 'x:%41'],
    ['', 'example.org', '/a', 'http://a b', 'x:%4', 'http://é.de', '1x:a'],
  ],
  hostname: [
    ['example.org', 'a', 'xn--bcher-kva.example', '1.de'],
    ['', 'a..b', '-a.de', 'a-.de', 'a_b.de', 'a.', 'b'.repeat(64), 'bücher.de'],
  ],
  ipv4: [
    ['127.0.0.1', '255.255.255.255'],
    ['256.0.0.1', '1.2.3', '01.2.3.4', '::1'],
  ],
  ipv6: [
    ['::1', '2001:db8::8:800:200c:417a', '::ffff:1.2.3.4'],
    ['1.2.3.4', ':::', '2001:db8', '[::1]'],
  ],
  byte: [
    ['', 'QQ==', 'QUI=', 'QUJD', '+/+/'],
    ['Q', 'QQ', 'QQ=', 'Q===', 'QU_D', 'QUJ D'],
  ],
}

for (const [name, [good, bad]] of Object.entries(cases)) {
  const is = isFormat[name as keyof typeof isFormat]
  test(`format ${name}`, () => {
    for (const text of good) assert.equal(is(text), true, text)
    for (const text of bad) assert.equal(is(text), false, text)
  })
}

test('no format is slow to say no', () => {
  const start = performance.now()
  for (const is of Object.values(isFormat)) {
    for (const unit of ['a', '.', '-', 'a.', 'a@', '%', '=', ':', '1'])
      assert.equal(is(`${unit.repeat(1_000_000)} !`), false)
  }
  assert.ok(performance.now() - start < 10_000)
})
