import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { explainTime, formatTime, isDate, isTime, isTimeOfDay, parseTime, parseTimeWide } from './time.ts'

const instants = fc.date({ min: new Date('1690-01-01'), max: new Date('2250-01-01'), noInvalidDate: true })

test('reads and writes times as Date does', () => {
  fc.assert(
    fc.property(instants, (date) => {
      const micros = date.getTime() * 1000
      assert.equal(parseTime(date.toISOString()), micros)
      assert.equal(formatTime(micros), `${date.toISOString().slice(0, -1)}000Z`)
    }),
  )
})

test('every microsecond comes back from its one spelling', () => {
  fc.assert(fc.property(fc.integer({ min: -8e15, max: 8e15 }), (micros) => parseTime(formatTime(micros)) === micros))
})

test('an offset is taken off', () => {
  fc.assert(
    fc.property(instants, fc.integer({ min: -1439, max: 1439 }), (date, offset) => {
      const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1)
      const size = Math.abs(offset)
      const pad = (n: number) => String(n).padStart(2, '0')
      const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
      assert.equal(parseTime(local + zone), date.getTime() * 1000)
    }),
  )
})

test('agrees with Date on every day from 1850 to 2110', () => {
  for (let day = Date.UTC(1850, 0, 1); day < Date.UTC(2110, 0, 1); day += 86_400_000) {
    const text = new Date(day).toISOString()
    assert.equal(parseTime(text), day * 1000)
    assert.equal(formatTime(day * 1000).slice(0, 10), text.slice(0, 10))
  }
})

test('keeps six fraction digits and cuts off three more', () => {
  assert.equal(parseTime('1970-01-01T00:00:00.1Z'), 100_000)
  assert.equal(parseTime('1970-01-01T00:00:00.123456789Z'), 123_456)
  assert.equal(parseTime('1969-12-31T23:59:59.9999999Z'), -1)
  assert.equal(parseTime('1970-01-01T00:00:00.1234567890Z'), undefined)
  assert.equal(formatTime(-1), '1969-12-31T23:59:59.999999Z')
})

test('takes small letters, and a leap second only where UTC has one', () => {
  assert.equal(parseTime('1970-01-01t00:00:01z'), 1_000_000)
  assert.equal(parseTime('2016-12-31T23:59:60Z'), parseTime('2017-01-01T00:00:00Z'))
  assert.equal(parseTime('2017-01-01T00:59:60+01:00'), parseTime('2017-01-01T00:00:00Z'))
  assert.equal(parseTime('2016-12-31T22:59:60Z'), undefined)
})

test('refuses what is no RFC 3339 time, and says why', () => {
  const refused = {
    '2018-13-40': 'there is no month 13',
    '2018-02-29T10:00:00Z': '2018-02 has no day 29',
    '1900-02-29T10:00:00Z': '1900-02 has no day 29',
    '2018-04-31T10:00:00Z': '2018-04 has no day 31',
    '2018-07-01': 'it is a date without a time of day',
    '2018-07-01T10:00:00': 'it has no zone',
    '2018-07-01T10:00:00.5': 'it has no zone',
    '2018-07-01 10:00:00Z': 'write it like',
    '2018-07-01T24:00:00Z': 'no hour 24',
    '2018-07-01T23:60:00Z': 'no minute 60',
    '2018-07-01T23:59:61Z': 'no second 61',
    '2018-07-01T23:58:60Z': 'leap second',
    '2018-07-01T10:00:00.Z': 'a fraction has',
    '2018-07-01T10:00:00.0123456789Z': 'a fraction has',
    '2018-07-01T10:00:00+0200': 'its zone',
    '2018-07-01T10:00:00+24:00': 'its zone',
    '2018-07-01T10:00:00Zulu': 'its zone',
    '2018-07-01T10:00Z': 'write it like',
    '18-07-01T10:00:00Z': 'write it like',
    '+018-07-01T10:00:00Z': 'write it like',
    '２018-07-01T10:00:00Z': 'write it like',
    '1532292041': 'write it like',
    '': 'write it like',
  }
  for (const [text, why] of Object.entries(refused)) {
    assert.equal(isTime(text), false, text)
    assert.equal(parseTime(text), undefined, text)
    assert.ok(explainTime(text).includes(why), `${text}: ${explainTime(text)}`)
  }
})

test('never takes a mutilated time for another one', () => {
  fc.assert(
    fc.property(fc.nat(26), fc.string({ minLength: 1, maxLength: 1 }), (place, character) => {
      const text = '2018-07-22T20:40:41.123456Z'
      const changed = text.slice(0, place) + character + text.slice(place + 1)
      const known = Date.parse(changed)
      const micros = parseTime(changed)
      if (micros !== undefined) assert.equal(Math.floor(micros / 1000), known)
    }),
    { numRuns: 2000 },
  )
})

test('beyond the safe integers only a wide time can be had', () => {
  assert.equal(parseTime('9999-12-31T23:59:59Z'), undefined)
  assert.equal(parseTimeWide('9999-12-31T23:59:59Z'), 253_402_300_799_000_000n)
  assert.equal(parseTimeWide('0000-01-01T00:00:00Z'), -62_167_219_200_000_000n)
  assert.equal(isTime('9999-12-31T23:59:59Z'), true)
})

test('dates and times of day', () => {
  assert.deepEqual(['2024-02-29', '2023-02-29', '2023-2-9', '2023-01-01T'].map(isDate), [true, false, false, false])
  assert.deepEqual(
    ['10:00:00', '10:00:00.5', '10:00:00Z', '10:00:00+01:00', '10:00', '24:00:00', '10:00:00+1'].map(isTimeOfDay),
    [true, true, true, true, false, false, false],
  )
})
