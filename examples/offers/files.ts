// Reading the two files, and the little that must be done to the second before it can be a stream.
import { readFileSync } from 'node:fs'

export interface OfferEvent {
  readonly person: string
  readonly event: 'offer received' | 'offer viewed' | 'offer completed' | 'transaction'
  /** Milliseconds since 1970. */
  readonly at: number
  readonly offer?: string
  /** Cents, so that sums are exact. */
  readonly amount: number
}

export interface Profile {
  readonly id: string
  readonly age: number
  readonly income: number | null
  readonly became_member_on: string
}

/** The file counts hours from here; the contract says the same. */
export const start = Date.parse('2018-07-27T00:00:00Z')
export const hour = 3600 * 1000

/** The events of the transcript; its blank lines and its cut last line hold none. */
export function readTranscript(file: string): OfferEvent[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines
    .filter((line) => line.endsWith('}'))
    .map((line) => {
      const { person, event, value, time } = JSON.parse(line)
      return {
        person,
        event,
        at: start + time * hour,
        offer: value['offer id'],
        amount: Math.round((value.amount ?? 0) * 100),
      }
    })
}

export function readProfiles(file: string): Profile[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** `profile.json` writes days as 20170212, which a contract cannot take for a time; this writes them out. */
export function withTimes(profiles: string): string {
  return profiles.replaceAll(/"became_member_on": "(\d{4})(\d\d)(\d\d)"/g, '"became_member_on": "$1-$2-$3T00:00:00Z"')
}
