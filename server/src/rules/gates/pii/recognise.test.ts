import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { masked, mask } from './mask.ts'
import { recognise } from './recognise.ts'
import type { RecogniseOptions } from './recognise.ts'

const found = (text: string, options?: RecogniseOptions): string[] =>
  recognise(text, options).map(({ type, start, end }) => `${type}:${text.slice(start, end)}`)
const values = (text: string): string[] => recognise(text).map(({ value }) => value)

test('e-mail addresses are found wherever they stand, and nothing beside them', () => {
  assert.deepEqual(found('Write to <ana.b+news@mail.example.co.uk>, or not.'), ['email:ana.b+news@mail.example.co.uk'])
  assert.deepEqual(found('href="mailto:ana@example.org?subject=x"'), ['email:ana@example.org'])
  assert.deepEqual(found('https://x.example/u?e=ana%40example.org&t=1'), ['email:ana%40example.org'])
  assert.deepEqual(found('jürgen@müller.example is one'), ['email:jürgen@müller.example'])
  assert.deepEqual(values('ana (at) example (dot) org'), ['ana@example.org'])
  assert.deepEqual(found('follow @whence, logo@2x.png, 3 @ 5 euro, a@b'), [])
})

test('cards count by Luhn, prefix and the way they are printed', () => {
  assert.deepEqual(found('4111 1111 1111 1111 and 4111-1111-1111-1111'), [
    'card:4111 1111 1111 1111',
    'card:4111-1111-1111-1111',
  ])
  assert.deepEqual(found('378282246310005, 3782 822463 10005'), ['card:378282246310005', 'card:3782 822463 10005'])
  assert.deepEqual(found('4111111111111112'), [], 'Luhn fails')
  assert.deepEqual(found('9111111111111111'), [], 'nobody issues it')
  assert.deepEqual(found('x4111111111111111'), [], 'a part of something else')
  assert.deepEqual(found('4111 1111 1111 1111 4012888888881881'), ['card:4111 1111 1111 1111', 'card:4012888888881881'])
})

test('bank accounts count by country, length and MOD 97', () => {
  // The examples of the IBAN registry.
  for (const iban of [
    'AL47 2121 1009 0000 0002 3569 8741',
    'BE68 5390 0754 7034',
    'DE89 3704 0044 0532 0130 00',
    'FR14 2004 1010 0505 0001 3M02 606',
    'GB29 NWBK 6016 1331 9268 19',
    'MT84 MALT 0110 0001 2345 MTLC AST0 01S',
    'NO93 8601 1117 947',
  ]) {
    assert.deepEqual(found(`to ${iban} today`), [`iban:${iban}`])
    const close = iban.replaceAll(' ', '')
    assert.deepEqual(found(`IBAN:${close}.`), [`iban:${close}`])
    assert.deepEqual(found(close.toLowerCase()), [`iban:${close.toLowerCase()}`])
    const wrong = close.slice(0, -1) + (close.endsWith('0') ? '1' : '0')
    assert.ok(!found(wrong).some((one) => one.startsWith('iban')), wrong)
  }
  assert.deepEqual(found('XX89370400440532013000'), [], 'no such country')
})

test('telephone numbers count by plan, or by the words around them', () => {
  assert.deepEqual(found('+1 (415) 555-2671'), ['phone:+1 (415) 555-2671'])
  assert.deepEqual(values('ring 020 7946 0018'), ['+442079460018'])
  assert.deepEqual(found('Desk: 986.291.2294x751'), ['phone:986.291.2294x751'])
  assert.deepEqual(found('Call me on 21 212 133 2727?'), ['phone:21 212 133 2727'])
  assert.deepEqual(found('order 123456789, paid 49.99 on 12/27/1986, 2016-11-02 14:30, 10.000.000 views'), [])
  assert.deepEqual(found('call before 2017-08-12 or from 12/08/2017'), [])
  assert.deepEqual(found('020 7946 0018 020 7946 0019'), ['phone:020 7946 0018', 'phone:020 7946 0019'])
  assert.deepEqual(found('06 12 34 56 78', { countries: ['FR'] }), ['phone:06 12 34 56 78'])
  assert.deepEqual(found('06 12 34 56 78', { countries: ['US'] }), [])
})

test('national numbers and addresses of machines', () => {
  assert.deepEqual(found('SSN: 403-57-9558'), ['us_ssn:403-57-9558'])
  assert.ok(!found('SSN: 000-57-9558, 666-12-1234, 403-00-9558').some((one) => one.startsWith('us_ssn')))
  assert.deepEqual(found('12345678Z 12345678A X1234567L'), ['es_dni:12345678Z', 'es_dni:X1234567L'])
  assert.deepEqual(found('RSSMRA85T10A562S RSSMRA85T10A562T'), ['it_codice_fiscale:RSSMRA85T10A562S'])
  assert.deepEqual(found('1 84 12 76 451 089 46'), ['fr_nir:1 84 12 76 451 089 46'])
  assert.deepEqual(found('from 58.74.121.78, 999.1.1.1, 1.2.3.4.5 and 127.0.0.1'), ['ip:58.74.121.78'])
  assert.deepEqual(found('2001:db8::8a2e:370:7334 at 12:30:45, std::string'), ['ip:2001:db8::8a2e:370:7334'])
})

test('other ways of writing hide nothing, and offsets are those of the original', () => {
  assert.deepEqual(found('４１１１ １１１１ １１１１ １１１１'), ['card:４１１１ １１１１ １１１１ １１１１'])
  assert.deepEqual(found('an\u200ba@exam\u00adple.org'), ['email:an\u200ba@exam\u00adple.org'])
  assert.deepEqual(found('4111\u00a01111\u20111111\u20071111'), ['card:4111\u00a01111\u20111111\u20071111'])
  assert.deepEqual(values('call ٠٢٠ ٧٩٤٦ ٠٠١٨'), ['+442079460018'])
})

test('spans lie in the text, in order, apart from one another', () => {
  const piece = fc.constantFrom(
    'ana@',
    'x.org',
    '4111 1111 1111 1111',
    '+1 415 555 2671',
    ' ',
    '\u200b',
    '１',
    '-',
    'DE89',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'grapheme' })), { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      let at = 0
      for (const { start, end } of recognise(text)) {
        assert.ok(start >= at && end > start && end <= text.length)
        at = end
      }
    }),
  )
})

test('text that was made to cost much is read to its end', () => {
  const costly = [
    '1-',
    '@',
    'a@',
    '020 7946 0018 ',
    '1.2.3.4 ',
    ':',
    '::1 ',
    'DE89',
    '12/12/',
    ' ( at',
    'e\u0301',
    'call 1 ',
    '４',
  ]
  for (const piece of costly) assert.ok(Array.isArray(recognise(piece.repeat(Math.ceil(200_000 / piece.length)))))
})

test('masking says what was there, and masks no mask', () => {
  const text = 'ana@example.org, +1 415 555 2671, 4111111111111111, DE89370400440532013000, order 123456789'
  assert.equal(mask(text), '[email], [phone], [card], [iban], order [phone]')
  assert.deepEqual(masked(text).found, { email: 1, phone: 2, card: 1, iban: 1 })
  assert.equal(mask(mask(text)), mask(text))
  assert.equal(mask('nothing at all, on 2016-11-02'), 'nothing at all, on 2016-11-02')
})

test('identifiers that are known are masked wherever they stand', () => {
  assert.equal(masked('Hi U-42, u-42!', ['u-42']).text, 'Hi [known], [known]!')
  assert.equal(masked('mail ana@example.org', ['ana@example.org']).text, 'mail [email]')
  assert.equal(masked('ab', ['', 'a']).text, 'ab')
})

test('a number is not hidden behind many others', () => {
  const text = `${'1 299 991, '.repeat(2000)} 020 7946 0018`
  assert.equal(found(text).at(-1), 'phone:020 7946 0018')
})

test('whatever is masked, none of it is left', () => {
  const secret = fc.constantFrom('ana@example.org', '4111 1111 1111 1111', '+14155552671', 'GB29NWBK60161331926819')
  fc.assert(
    fc.property(fc.array(fc.tuple(secret, fc.constantFrom(' ', '\n', ', ', ' / ')), { maxLength: 8 }), (pieces) => {
      const out = mask(pieces.flat().join(''))
      for (const [one] of pieces) assert.ok(!out.includes(one), out)
    }),
  )
})
