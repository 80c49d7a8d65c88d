/** Microseconds since 1970-01-01T00:00:00Z, a safe integer: good for the years 1684 to 2255. */
export type Micros = number

export const SECOND: Micros = 1_000_000
export const DAY: Micros = 86_400 * SECOND

export interface Clock {
  now(): Micros
}

export const systemClock: Clock = { now: () => Date.now() * 1000 }

const days = new Map<number, string>()

/** The day of a time: `2026-03-20`. */
export function formatDay(at: Micros): string {
  const day = Math.floor(at / DAY)
  let text = days.get(day)
  if (text === undefined) {
    text = new Date(day * 86_400_000).toISOString().slice(0, -14)
    if (days.size > 10_000) days.clear()
    days.set(day, text)
  }
  return text
}

/** RFC 3339 in UTC with six fraction digits: `2026-03-20T10:00:00.000000Z`. */
export function formatTime(at: Micros): string {
  const inDay = at - Math.floor(at / DAY) * DAY
  const seconds = Math.floor(inDay / SECOND)
  const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`)
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${formatDay(at)}T${time}.${String(inDay % SECOND).padStart(6, '0')}Z`
}
