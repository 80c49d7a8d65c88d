// The numbers that an emitter gives to the records of a batch.
import type { IngestQuery } from '@whence/sdk'
import { Fault } from '../../fault.ts'

/** The number of one record, and whose number it is. */
export interface Numbering {
  readonly emitter: string
  readonly n: number
}

export interface Numbers {
  /** Of the record at an index, from 0; undefined beyond the numbers that were given. */
  at(index: number): Numbering | undefined
}

/** Reads `7-9,12`. Undefined where there are none; throws `invalid` where only half is said, or they do not rise. */
export function numbersOf({ emitter, n, file, line }: IngestQuery): Numbers | undefined {
  if (emitter === undefined && n === undefined) return undefined
  if (emitter === undefined || n === undefined)
    throw new Fault('invalid', 'emitter and n belong together: say both, or neither')
  if (file !== undefined || line !== undefined)
    throw new Fault('invalid', 'what an emitter has numbered is of no file: leave file and line out')
  const ranges: { first: number; index: number }[] = []
  let count = 0
  let last = 0
  for (const part of n.split(',')) {
    const [from, to = from] = part.split('-').map(Number) as [number, number?]
    if (from <= last || to < from) throw new Fault('invalid', `the numbers of n must rise, and ${part} does not`)
    ranges.push({ first: from, index: count })
    count += to - from + 1
    last = to
  }
  return {
    at(index) {
      if (index >= count) return undefined
      const range = ranges.findLast((each) => each.index <= index)!
      return { emitter, n: range.first + index - range.index }
    },
  }
}
