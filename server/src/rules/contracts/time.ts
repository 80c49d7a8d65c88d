// Times of RFC 3339, read and written once per record, so without Date. A time is a number of microseconds since
// 1970-01-01T00:00:00Z: a safe integer, which reaches from 1684 to 2255.

/** Microseconds since the epoch, a safe integer. */
export type Micros = number

const daysBefore = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const monthLengths = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function monthLength(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (monthLengths[month] as number)
}

/** Days from the epoch to a date of the Gregorian calendar, years 0 to 9999. */
function daysTo(year: number, month: number, day: number): number {
  const past = month > 2 ? year : year - 1
  const leaps = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400)
  // 719,527 days and 477 leap days lie between year 0 and 1970; counting them as past years avoids the first of March.
  return (year - 1970) * 365 + leaps - 477 + (daysBefore[month] as number) + day - 1
}

/** Two digits as a number, or a number so low that no sum with other digits reaches zero: integers stay fast. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const units = text.charCodeAt(at + 1) - 48
  return tens >>> 0 <= 9 && units >>> 0 <= 9 ? tens * 10 + units : -100_000
}

const noDay = -1_000_000

/** Days since the epoch of the date in the first ten characters, or `noDay`. */
function readDay(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return noDay
  const year = two(text, 0) * 100 + two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > monthLength(year, month)) return noDay
  return daysTo(year, month, day)
}

// What the last reading found: seconds since the epoch in UTC, and microseconds. A result object would be allocated
// once per record, and a number kept in a module's variable is boxed anew each time.
const found = new Float64Array(2)

function readTime(text: string): boolean {
  const length = text.length
  if (length < 20 || length > 35) return false
  const days = readDay(text)
  if (days === noDay || (text.charCodeAt(10) | 32) !== 116) return false
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return false
  const hour = two(text, 11)
  const minute = two(text, 14)
  const second = two(text, 17)
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false
  let at = 19
  let fraction = 0
  if (text.charCodeAt(at) === 46) {
    const start = ++at
    let scale = 100_000
    while (at < length) {
      const value = text.charCodeAt(at) - 48
      if (value >>> 0 > 9) break
      if (at - start < 6) {
        fraction += value * scale
        scale = (scale / 10) | 0
      }
      at++
    }
    if (at === start || at - start > 9) return false
  }
  if (at === length) return false
  let offset = 0
  const zone = text.charCodeAt(at)
  if ((zone | 32) === 122) {
    if (at + 1 !== length) return false
  } else {
    if ((zone !== 43 && zone !== 45) || at + 6 !== length || text.charCodeAt(at + 3) !== 58) return false
    const hours = two(text, at + 1)
    const minutes = two(text, at + 4)
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false
    offset = (hours * 3600 + minutes * 60) * (zone === 43 ? 1 : -1)
  }
  const seconds = days * 86_400 + (hour * 3600 + minute * 60 + second - offset)
  found[0] = seconds
  found[1] = fraction
  // A leap second is the last one of a UTC day and, as in POSIX, the same instant as the first of the next day.
  return second < 60 || seconds % 86_400 === 0
}

function foundSeconds(): number {
  return found[0] as number
}

function foundFraction(): number {
  return found[1] as number
}

/**
 * Microseconds since the epoch of a strict RFC 3339 time; undefined for anything else and outside of 1684 to 2255.
 * Digits beyond the sixth of a fraction (nine at most) are cut off.
 *
 * `parseTime('2018-07-22T20:40:41.5+02:00')` is `1532284841500000`
 */
export function parseTime(text: string): Micros | undefined {
  if (!readTime(text)) return undefined
  const micros = foundSeconds() * 1_000_000 + foundFraction()
  return Number.isSafeInteger(micros) ? micros : undefined
}

/** As `parseTime`, for all years from 0 to 9999: what a TIMESTAMP column holds. */
export function parseTimeWide(text: string): bigint | undefined {
  return readTime(text) ? BigInt(foundSeconds()) * 1_000_000n + BigInt(foundFraction()) : undefined
}

/** Is it a strict RFC 3339 time with a zone, in the years 0 to 9999? */
export function isTime(text: string): boolean {
  return readTime(text)
}

/** Is it a date of RFC 3339 (`full-date`) that exists? `isDate('2023-02-29')` is false. */
export function isDate(text: string): boolean {
  return text.length === 10 && readDay(text) !== noDay
}

/** Is it a time of day, with or without a zone? `isTimeOfDay('20:40:41.5')` */
export function isTimeOfDay(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  const zoned = last === 90 || last === 122 || /[+-]\d\d:\d\d$/.test(text)
  return readTime(`2000-01-01T${text}${zoned ? '' : 'Z'}`)
}

const pairs = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))
let lastDay = NaN
let lastDate = ''

function dateOf(days: number): string {
  if (days === lastDay) return lastDate
  // Howard Hinnant's civil_from_days: years that begin in March put the leap day last.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  lastDate = `${String(year).padStart(4, '0')}-${pairs[month]}-${pairs[day]}`
  lastDay = days
  return lastDate
}

/**
 * The one spelling of a time on the ledger: UTC, six fraction digits.
 *
 * `formatTime(0)` is `'1970-01-01T00:00:00.000000Z'`
 */
export function formatTime(micros: Micros): string {
  const seconds = Math.floor(micros / 1_000_000)
  const fraction = micros - seconds * 1_000_000
  const days = Math.floor(seconds / 86_400)
  const ofDay = seconds - days * 86_400
  const hour = Math.floor(ofDay / 3600)
  const minute = Math.floor((ofDay - hour * 3600) / 60)
  const second = ofDay - hour * 3600 - minute * 60
  const thousands = Math.floor(fraction / 1000)
  const time = `${dateOf(days)}T${pairs[hour]}:${pairs[minute]}:${pairs[second]}`
  return `${time}.${three(thousands)}${three(fraction - thousands * 1000)}Z`
}

function three(n: number): string {
  return n < 100 ? `0${pairs[n]}` : String(n)
}

/** Why a text is no RFC 3339 time, in words: `explainTime('2018-07-01T10:00:00')` is `'it has no zone (…)'`. */
export function explainTime(text: string): string {
  const parts = /^(\d{4})-(\d\d)-(\d\d)(.?)(?:(\d\d):(\d\d):(\d\d)(\.\d*)?(.*))?/s.exec(text)
  if (!parts) return 'write it like 2026-03-20T10:00:00Z'
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  if (month < 1 || month > 12) return `there is no month ${parts[2]}`
  if (day < 1 || day > monthLength(year, month)) return `${parts[1]}-${parts[2]} has no day ${parts[3]}`
  if (parts[4] === '') return 'it is a date without a time of day'
  if (parts[5] === undefined || (parts[4] !== 'T' && parts[4] !== 't')) return 'write it like 2026-03-20T10:00:00Z'
  if (Number(parts[5]) > 23) return `there is no hour ${parts[5]}`
  if (Number(parts[6]) > 59) return `there is no minute ${parts[6]}`
  if (Number(parts[7]) > 60) return `there is no second ${parts[7]}`
  if (parts[8] === '.' || (parts[8]?.length ?? 0) > 10) return 'a fraction has one to nine digits'
  if (parts[9] === '') return 'it has no zone (end it with Z, or with an offset like +02:00)'
  if (parts[7] === '60') return 'a leap second is 23:59:60 in UTC'
  return 'its zone is neither Z nor an offset like +02:00'
}
