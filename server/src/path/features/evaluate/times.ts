// The calendar: parts, boundaries and differences of times, for the years 1 to 9999; of others DuckDB is asked.
import type { Interval } from './datum.ts'
import { MICROS_PER_DAY, Unsure } from './datum.ts'

export interface Civil {
  year: bigint
  month: bigint
  day: bigint
  /** Days since 1970. */
  days: bigint
  /** Microseconds of the day. */
  micros: bigint
}

export const floorDiv = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b))

const first = BigInt(Date.parse('0001-01-01T00:00:00Z') / 86_400_000)
const last = BigInt(Date.parse('9999-12-31T00:00:00Z') / 86_400_000)

/** A TIMESTAMP by its parts. */
export function civil(timestamp: bigint): Civil {
  const days = floorDiv(timestamp, MICROS_PER_DAY)
  return { ...dateParts(days), micros: timestamp - days * MICROS_PER_DAY }
}

function dateParts(days: bigint): Omit<Civil, 'micros'> {
  if (days < first || days > last) throw new Unsure('a year that is not among 1 to 9999')
  const date = new Date(Number(days) * 86_400_000)
  return {
    year: BigInt(date.getUTCFullYear()),
    month: BigInt(date.getUTCMonth() + 1),
    day: BigInt(date.getUTCDate()),
    days,
  }
}

/** Days since 1970 of a date; the day may lie beyond its month's end. */
function daysFrom(year: bigint, month: bigint, day: bigint): bigint {
  if (year < 1n || year > 9999n) throw new Unsure('a year that is not among 1 to 9999')
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, 1)
  return BigInt(date.getTime() / 86_400_000) + day - 1n
}

function lastDay(year: bigint, month: bigint): bigint {
  return month === 12n ? 31n : daysFrom(year, month + 1n, 1n) - daysFrom(year, month, 1n)
}

/** `add(time, interval, 1n)`, or -1n to subtract: months first, then days, then the rest. */
export function add(timestamp: bigint, { months, days, micros }: Interval, sign: bigint): bigint {
  let { year, month, day, ...at } = civil(timestamp)
  if (months !== 0n) {
    const count = year * 12n + month - 1n + sign * months
    year = floorDiv(count, 12n)
    month = count - year * 12n + 1n
    const most = lastDay(year, month)
    at.days = daysFrom(year, month, day > most ? most : day)
  }
  const sum = (at.days + sign * days) * MICROS_PER_DAY + at.micros + sign * micros
  civil(sum)
  return sum
}

const mondayOf = (days: bigint): bigint => days - isoWeekday(days) + 1n
const isoWeekday = (days: bigint): bigint => ((((days + 3n) % 7n) + 7n) % 7n) + 1n

/** The ISO week and the year that it belongs to. */
function isoWeek(days: bigint): { week: bigint; year: bigint } {
  const { year } = dateParts(mondayOf(days) + 3n)
  const firstMonday = mondayOf(daysFrom(year, 1n, 4n))
  return { week: (mondayOf(days) - firstMonday) / 7n + 1n, year }
}

const SECOND = 1_000_000n

/** What `date_part` gives as a whole number. */
export const parts: Record<string, (at: Civil) => bigint> = {
  year: ({ year }) => year,
  quarter: ({ month }) => (month - 1n) / 3n + 1n,
  month: ({ month }) => month,
  week: ({ days }) => isoWeek(days).week,
  isoyear: ({ days }) => isoWeek(days).year,
  day: ({ day }) => day,
  dayofweek: ({ days }) => isoWeekday(days) % 7n,
  isodow: ({ days }) => isoWeekday(days),
  dayofyear: ({ days, year }) => days - daysFrom(year, 1n, 1n) + 1n,
  hour: ({ micros }) => micros / (3600n * SECOND),
  minute: ({ micros }) => (micros / (60n * SECOND)) % 60n,
  second: ({ micros }) => (micros / SECOND) % 60n,
  millisecond: ({ micros }) => (micros / 1000n) % 60_000n,
  microsecond: ({ micros }) => micros % (60n * SECOND),
}

const names: Record<string, string> = {
  dow: 'dayofweek',
  weekday: 'dayofweek',
  doy: 'dayofyear',
  dayofmonth: 'day',
  weekofyear: 'week',
}

/** A part by any of the names that this engine knows. */
export function partCalled(name: string): string {
  const singular = name.toLowerCase().replace(/(?<=year|quarter|month|week|day|hour|minute|second)s$/, '')
  return names[singular] ?? singular
}

/** The beginning of the part that a time lies in, as microseconds. */
export const truncations: Record<string, (at: Civil) => bigint> = {
  year: ({ year }) => daysFrom(year, 1n, 1n) * MICROS_PER_DAY,
  quarter: ({ year, month }) => daysFrom(year, month - ((month - 1n) % 3n), 1n) * MICROS_PER_DAY,
  month: ({ year, month }) => daysFrom(year, month, 1n) * MICROS_PER_DAY,
  week: ({ days }) => mondayOf(days) * MICROS_PER_DAY,
  day: ({ days }) => days * MICROS_PER_DAY,
  hour: ({ days, micros }) => days * MICROS_PER_DAY + micros - (micros % (3600n * SECOND)),
  minute: ({ days, micros }) => days * MICROS_PER_DAY + micros - (micros % (60n * SECOND)),
  second: ({ days, micros }) => days * MICROS_PER_DAY + micros - (micros % SECOND),
}

const months = ({ year, month }: Civil): bigint => year * 12n + month - 1n
const byMicros =
  (unit: bigint) =>
  (timestamp: bigint): bigint =>
    floorDiv(timestamp, unit)
const byCivil =
  (count: (at: Civil) => bigint) =>
  (timestamp: bigint): bigint =>
    count(civil(timestamp))

/** How many boundaries of a part lie before a time: what `date_diff` takes the difference of. */
export const boundaries: Record<string, (timestamp: bigint) => bigint> = {
  year: byCivil(({ year }) => year),
  quarter: byCivil((at) => months(at) / 3n),
  month: byCivil(months),
  week: byCivil(({ days }) => mondayOf(days) / 7n),
  day: byCivil(({ days }) => days),
  hour: byMicros(3600n * SECOND),
  minute: byMicros(60n * SECOND),
  second: byMicros(SECOND),
  millisecond: byMicros(1000n),
  microsecond: byMicros(1n),
}

/** The units that `date_sub` counts whole. */
export const wholes: Record<string, bigint> = {
  week: 7n * MICROS_PER_DAY,
  day: MICROS_PER_DAY,
  hour: 3600n * SECOND,
  minute: 60n * SECOND,
  second: SECOND,
  millisecond: 1000n,
  microsecond: 1n,
}

export function monthEnd({ year, month }: Civil): bigint {
  return daysFrom(year, month, lastDay(year, month))
}

export const dayNames = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
export const monthNames = 'January February March April May June July August September October November December'.split(
  ' ',
)

/** Reads `2026-03-01` or `2026-03-01 10:00:00.5`. */
export function readTimeText(text: string): { days: bigint; micros: bigint } {
  const [date, time = '00:00:00'] = text.split(/[ T]/) as [string, string?]
  const [year, month, day] = date.split('-').map(BigInt) as [bigint, bigint, bigint]
  const [clock, fraction = ''] = time.split('.') as [string, string?]
  const [hour, minute, second] = clock.split(':').map(BigInt) as [bigint, bigint, bigint]
  const real = month >= 1n && month <= 12n && day >= 1n && day <= lastDay(year, month)
  if (!real || hour > 23n || minute > 59n || second > 59n) throw new Unsure(`the time ${text}`)
  const days = daysFrom(year, month, day)
  const micros = ((hour * 60n + minute) * 60n + second) * SECOND + BigInt(fraction.padEnd(6, '0'))
  return { days, micros: days * MICROS_PER_DAY + micros }
}

export function dateText(days: bigint): string {
  const { year, month, day } = dateParts(days)
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

export function timestampText(timestamp: bigint): string {
  const { days, micros } = civil(timestamp)
  const two = (value: bigint): string => String(value).padStart(2, '0')
  const fraction = String(micros % SECOND)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const clock = [micros / (3600n * SECOND), (micros / (60n * SECOND)) % 60n, (micros / SECOND) % 60n].map(two).join(':')
  return `${dateText(days)} ${clock}${fraction === '' ? '' : `.${fraction}`}`
}
