// What the clock says where a person is.

export interface LocalTime {
  /** 0 to 23 */
  readonly hour: number
  readonly minute: number
  /** 1 is Monday, 7 is Sunday. */
  readonly weekday: number
  /** As in 2026-03-06. */
  readonly date: string
}

const clocks = new Map<string, Intl.DateTimeFormat>()
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** @param at in microseconds. Undefined where no such time zone is known. */
export function localTime(at: number, timeZone: string): LocalTime | undefined {
  const clock = clockOf(timeZone)
  if (clock === undefined) return undefined
  const of: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
  for (const { type, value } of clock.formatToParts(at / 1000)) of[type] = value
  return {
    hour: Number(of.hour),
    minute: Number(of.minute),
    weekday: days.indexOf(of.weekday!) + 1,
    date: `${of.year}-${of.month}-${of.day}`,
  }
}

function clockOf(timeZone: string): Intl.DateTimeFormat | undefined {
  const known = clocks.get(timeZone)
  if (known) return known
  try {
    const clock = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    })
    // There are some six hundred; names come from outside.
    if (clocks.size < 1000) clocks.set(timeZone, clock)
    return clock
  } catch {
    return undefined
  }
}
