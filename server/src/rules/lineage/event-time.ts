// When an event happened: the specification wants RFC 3339, producers send more than that.
import { explainTime, parseTime } from '../contracts/time.ts'
import type { Micros } from '../contracts/time.ts'
import type { Findings } from './findings.ts'
import { quoted } from './findings.ts'

const DAY: Micros = 86_400_000_000

/**
 * The time of an event. What cannot be read is replaced by `received`; a time without a zone is taken as UTC; digits
 * beyond microseconds are cut off, which RFC 3339 leaves to the reader.
 */
export function readEventTime(value: unknown, received: Micros, findings: Findings): Micros {
  const path = '/eventTime'
  if (value === undefined || value === null) {
    findings.note('eventTime.required', path, 'there is no eventTime: the time of arrival is taken')
    return received
  }
  if (typeof value !== 'string') {
    findings.note(
      'eventTime.unreadable',
      path,
      `eventTime is no text but ${typeof value}: the time of arrival is taken`,
    )
    return received
  }
  const time = parseTime(value) ?? readLoosely(value, findings)
  if (time === undefined) {
    findings.note(
      'eventTime.unreadable',
      path,
      `eventTime "${quoted(value)}" is no timestamp: ${explainTime(value)}. The time of arrival is taken`,
    )
    return received
  }
  // What holds now is a maximum over event times: a clock that is years ahead would pin it.
  if (time > received + DAY)
    findings.note('eventTime.future', path, `eventTime ${quoted(value)} is more than a day after its arrival`)
  return time
}

const loose =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?(?:\[[\w/+:-]{1,40}\])?$/i

/** ISO 8601 as Java, Python and SQL write it: without seconds, zone or T, with more digits, with a zone's name behind. */
function readLoosely(text: string, findings: Findings): Micros | undefined {
  if (text.length > 100) return undefined
  const [, day, minute, second = '00', fraction, zone] = loose.exec(text) ?? []
  if (day === undefined) return undefined
  const digits = fraction === undefined ? '' : `.${fraction.slice(0, 6)}`
  const time = parseTime(`${day}T${minute}:${second}${digits}${offset(zone)}`)
  if (time === undefined) return undefined
  const rest = zone === undefined ? 'eventTime.zone' : 'eventTime.format'
  const why = zone === undefined ? 'has no zone: taken as UTC' : `is not written as RFC 3339 asks, but can be read`
  findings.note(rest, '/eventTime', `eventTime "${quoted(text)}" ${why}`)
  return time
}

function offset(zone: string | undefined): string {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 'Z'
  const digits = zone.slice(1).replace(':', '')
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2) || '00'}`
}
