// What a reference in the form NAME:VALUE, as flat records have them, is taken for. The table stands in docs/spec/actions.md.

export interface ReadRefs {
  /** Whom a profile is of. */
  person?: { type: string; identifier: string }
  profile?: string
  datasets: string[]
  snapshots: number[]
  predictions: string[]
  events: string[]
  /** Whatever has no form that is known. */
  refs: string[]
}

/** References that cannot all be right: `at` is the place of the one that does not fit. */
export interface DoubtfulRef {
  at: number
  message: string
}

/** `customer_profile_v3:12345`: a profile of the customer 12345, in a version of its own. */
const PROFILE = /^(?:([a-z][a-z0-9]*)_)?profile(?:_v?[0-9][a-z0-9.]*)?$/
const PEOPLE = new Set([
  'customer',
  'user',
  'person',
  'contact',
  'subscriber',
  'recipient',
  'member',
  'lead',
  'account',
])
const DATASET = /^(?:[a-z0-9_]+_)?(?:dataset|table|catalog|catalogue|snapshot)(?:_v?[0-9.]+)?$/
/** A day, a time or a version. A bare number may be somebody: it stands with the rest, which is never shown in clear. */
const VERSION = /^(?:v\d+(?:\.\d+){0,3}|\d+(?:\.\d+){1,3}|\d{4}-\d\d-\d\d(?:[Tt][0-9:.]+(?:[Zz]|[+-]\d\d:?\d\d)?)?)$/

/** Reads references in their order; the same person may be named more than once, two may not. */
export function readRefs(given: readonly string[]): ReadRefs | DoubtfulRef {
  const read: ReadRefs = { datasets: [], snapshots: [], predictions: [], events: [], refs: [] }
  for (const [at, ref] of given.entries()) {
    const colon = ref.indexOf(':')
    const value = ref.slice(colon + 1)
    const name = colon < 1 || value === '' ? '' : ref.slice(0, colon).toLowerCase()
    const profile = PROFILE.exec(name)
    if (profile !== null || PEOPLE.has(name)) {
      const type = profile === null ? name : (profile[1] ?? 'customer')
      if (read.person && (read.person.type !== type || read.person.identifier !== value))
        return { at, message: 'names another person than a reference before it: an action concerns one' }
      read.person = { type, identifier: value }
      if (profile !== null) read.profile = ref.slice(0, colon)
    } else if (name === 'feature_snapshot' && /^\d{1,15}$/.test(value)) read.snapshots.push(Number(value))
    else if (name === 'prediction') read.predictions.push(value)
    else if (name === 'event') read.events.push(value)
    else if (DATASET.test(name) && VERSION.test(value)) read.datasets.push(ref)
    else read.refs.push(ref)
  }
  return read
}
