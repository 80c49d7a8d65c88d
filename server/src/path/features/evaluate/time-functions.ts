// Functions over times and intervals.
import type { Built, Compute } from './computed.ts'
import { intervalOf } from './casts.ts'
import { fitting, isInteger, isTime, MICROS_PER_DAY } from './datum.ts'
import type { Interval } from './datum.ts'
import { strict, to } from './computed.ts'
import {
  add,
  boundaries,
  civil,
  dayNames,
  monthEnd,
  monthNames,
  partCalled,
  parts,
  truncations,
  wholes,
} from './times.ts'

export function timeFunction(name: string, of: Built[], type: string): Compute | undefined {
  const [a, b, c] = of
  if (!a) return undefined
  if (/^(\+|-|date_add)$/.test(name) && b) return sum(name, a, b, type)
  const unit = /^to_(year|month|week|day|hour|minute|second|millisecond|microsecond)s$/.exec(name)?.[1]
  if (unit !== undefined) {
    return isInteger(a.type) && of.length === 1 ? strict([a.of], (count: bigint) => intervalOf(unit, count)) : undefined
  }
  const part = typeof a.constant?.value === 'string' ? partCalled(a.constant.value) : undefined
  if (/^(date_?diff)$/.test(name) && part && b && c && isTime(b.type) && isTime(c.type)) {
    const count = boundaries[part]
    return count && strict([at(b), at(c)], (from: bigint, until: bigint) => count(until) - count(from))
  }
  if (/^date_?sub$/.test(name) && part && b && c && isTime(b.type) && isTime(c.type)) {
    const size = wholes[part]
    return size === undefined
      ? undefined
      : strict([at(b), at(c)], (from: bigint, until: bigint) => (until - from) / size)
  }
  if (/^date_?trunc$/.test(name) && part && b && isTime(b.type) && type === 'TIMESTAMP') {
    const begin = truncations[part]
    return begin && strict([at(b)], (time: bigint) => begin(civil(time)))
  }
  if (/^date_?part$/.test(name) && part && b && isTime(b.type)) return partOf(part, b, type)
  if (of.length !== 1 || !isTime(a.type)) return undefined
  switch (name) {
    case 'dayname':
      return strict([at(a)], (time: bigint) => dayNames[Number(parts.dayofweek!(civil(time)))]!)
    case 'monthname':
      return strict([at(a)], (time: bigint) => monthNames[Number(parts.month!(civil(time))) - 1]!)
    case 'last_day':
      return strict([at(a)], (time: bigint) => monthEnd(civil(time)))
    case 'epoch_ms':
      return type === 'BIGINT' ? strict([at(a)], (time: bigint) => boundaries.millisecond!(time)) : undefined
    case 'epoch_us':
      return type === 'BIGINT' ? at(a) : undefined
    default:
      return partOf(partCalled(name), a, type)
  }
}

const at = (built: Built): Compute => to(built, 'TIMESTAMP')

function partOf(part: string, of: Built, type: string): Compute | undefined {
  if (part === 'epoch') return type === 'DOUBLE' ? strict([at(of)], (time: bigint) => Number(time) / 1e6) : undefined
  const number = Object.hasOwn(parts, part) ? parts[part] : undefined
  return number && type === 'BIGINT' ? strict([at(of)], (time: bigint) => number(civil(time))) : undefined
}

function sum(name: string, a: Built, b: Built, type: string): Compute | undefined {
  const sign = name === '-' ? -1n : 1n
  if (isTime(a.type) && b.type === 'INTERVAL' && type === 'TIMESTAMP') {
    return strict([at(a), b.of], (time: bigint, interval: Interval) => add(time, interval, sign))
  }
  if (name === '+' && a.type === 'INTERVAL' && isTime(b.type) && type === 'TIMESTAMP') return sum(name, b, a, type)
  if (a.type === 'DATE' && isInteger(b.type) && type === 'DATE') {
    return strict([a.of, b.of], (days: bigint, more: bigint) => civil((days + sign * more) * MICROS_PER_DAY).days)
  }
  if (name !== '-' || !isTime(a.type) || !isTime(b.type)) return undefined
  if (type === 'BIGINT' && a.type === b.type) return strict([a.of, b.of], (x: bigint, y: bigint) => x - y)
  if (type !== 'INTERVAL') return undefined
  const fit = fitting('BIGINT')
  return strict([at(a), at(b)], (x: bigint, y: bigint): Interval => {
    const micros = fit(x - y)
    return { months: 0n, days: micros / MICROS_PER_DAY, micros: micros % MICROS_PER_DAY }
  })
}
