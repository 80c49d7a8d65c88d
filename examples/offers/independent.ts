// Every feature of offer_response once more, straight from the files, without Whence, SQL or DuckDB: to hold the
// materialised values against.
import type { Independent, Values } from '../example.ts'
import { hour, readProfiles, readTranscript, start, type OfferEvent, type Profile } from './files.ts'

const informational = new Set(['3f207df678b143eea3cee63160fa8bed', '5a8bc65990b245e5a138643cd4eb9837'])

export function independent(transcript: string, profiles: string): Independent {
  const events = readTranscript(transcript)
  const members = Map.groupBy(events, (event) => event.person)
  const profileOf = new Map(readProfiles(profiles).map((profile) => [profile.id, profile]))
  const featuresOf = (person: string, at: string) =>
    features(members.get(person) ?? [], profileOf.get(person), Date.parse(at))
  const count = (kind: OfferEvent['event'], feature: string) => ({
    kind,
    count: events.filter((event) => event.event === kind).length,
    feature,
  })
  return {
    subjects: members.size,
    counts: {
      at: new Date(start + 31 * hour).toISOString(),
      kinds: [
        count('offer received', 'offers_received'),
        count('offer viewed', 'offers_viewed'),
        count('offer completed', 'offers_completed'),
        count('transaction', 'purchases'),
      ],
    },
    featuresOf,
    features(at) {
      const rows = [...members.keys()].map((person) => [person, featuresOf(person, at)] as const)
      return new Map(rows.filter((row): row is [string, Values] => row[1] !== undefined))
    },
  }
}

/** The features of one member; undefined when nothing had happened by that time. */
function features(own: readonly OfferEvent[], profile: Profile | undefined, at: number): Values | undefined {
  const past = own.filter((event) => event.at <= at)
  if (past.length === 0) return undefined
  const all = (kind: OfferEvent['event']) => past.filter((event) => event.event === kind)
  const within = (hours: number, kind: OfferEvent['event']) => all(kind).filter((event) => event.at > at - hours * hour)
  const received = all('offer received')
  const viewed = all('offer viewed')
  const joined = profile && Date.parse(profile.became_member_on)
  return {
    offers_received: received.length,
    rewarding_received: received.filter((event) => !informational.has(event.offer!)).length,
    offers_viewed: viewed.length,
    offers_viewed_6h: within(6, 'offer viewed').length,
    offers_completed: all('offer completed').length,
    purchases: all('transaction').length,
    purchases_12h: within(12, 'transaction').length,
    spent: (all('transaction').reduce((sum, { amount }) => sum + amount, 0) / 100).toFixed(2),
    hours_since_view: viewed.length === 0 ? null : (at - Math.max(...viewed.map((event) => event.at))) / hour,
    age: profile === undefined || profile.age === 118 ? null : profile.age,
    income: profile?.income ?? null,
    member_days: joined === undefined ? null : Math.floor(at / (24 * hour)) - Math.floor(joined / (24 * hour)),
  }
}
