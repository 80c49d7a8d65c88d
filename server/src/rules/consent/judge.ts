// Whether somebody may be asked, judged from what they said and what the policies say. Unknown denies.
//
// What denies counts from its own time and from its record, whichever comes last: a grant overrides it only where it is
// later on both clocks. So a grant that arrives late, and was given before, changes nothing; and nobody who sees only the
// order of the log finds something allowed after a withdrawal without a grant between them.
import type { ConsentState, LawfulBasis } from '@whence/sdk'
import { standing } from './objection.ts'
import type { Said } from './objection.ts'
import type { Ground, StatedPurpose } from './purposes.ts'
import type { ConsentQuestion, ConsentVerdict } from './verdict.ts'

/** What a receipt says of one purpose on one channel. */
export interface ConsentSaid {
  readonly seq: number
  /** When it was said, in microseconds; of what denies, at the latest when it was recorded. */
  readonly time: number
  readonly purpose: string
  /** Absent: on every channel. */
  readonly channel?: string | undefined
  readonly state: ConsentState
  readonly basis: LawfulBasis
  readonly jurisdiction?: string | undefined
  /** Version of the notice that was shown. */
  readonly notice?: string | undefined
  /** It counts before this time, in microseconds. */
  readonly until?: number | undefined
}

/** What one person said, as far as it is known. */
export interface History {
  readonly consents: readonly ConsentSaid[]
  readonly objections: readonly Said[]
}

/** A verdict, and the grant that it rests on. */
export type Ruling = Omit<ConsentVerdict, 'receipt'> & { readonly grant?: ConsentSaid }

type Code = ConsentVerdict['code']

/** Bases that end when the person says no to the purpose. On the others only an objection to marketing or profiling counts. */
export const yielding: ReadonlySet<LawfulBasis> = new Set<LawfulBasis>([
  'consent',
  'soft_opt_in',
  'legitimate_interest',
  'public_task',
])

const codes: Readonly<Record<ConsentState, Code>> = {
  unknown: 'unknown',
  requested: 'requested',
  deferred: 'requested',
  refused: 'refused',
  given: 'given',
  renewed: 'given',
  expired: 'expired',
  invalidated: 'withdrawn',
  revoked: 'withdrawn',
  withdrawn: 'withdrawn',
}

export function permits(state: ConsentState): boolean {
  return state === 'given' || state === 'renewed'
}

/** Judges one question by the purposes in force and by what the person said before `question.at`. */
export function judge(question: ConsentQuestion, purposes: readonly StatedPurpose[], history: History): Ruling {
  const { purpose: name, channel } = question
  const [purpose, other] = purposes.filter((each) => each.name === name)
  if (purpose === undefined) return deny('purpose', `no policy in force states the purpose "${name}"`)
  if (other !== undefined)
    return deny(
      'purpose',
      `${purpose.policy} and ${other.policy} both state the purpose "${name}": which of them holds cannot be said`,
    )
  const { policy } = purpose
  if (channel !== undefined && purpose.channels && !purpose.channels.includes(channel))
    return { ...deny('purpose', `the purpose "${name}" is not pursued on the channel ${channel}`), policy }
  const said = concerning(question, history)
  const objections = objecting(question, purpose, history)
  const rulings = purpose.grounds.map((ground) => byGround(question, ground, said, objections))
  const ruling = rulings.find(({ allowed }) => allowed) ?? gravest(rulings)
  return { ...ruling, policy, ...(ruling.allowed ? { endedBy: endedBy(purpose) } : {}) }
}

/** Objections that end a purpose, whatever its basis. */
function endedBy({ marketing, profiling }: StatedPurpose): NonNullable<ConsentVerdict['endedBy']> {
  return [...(marketing || profiling ? (['marketing'] as const) : []), ...(profiling ? (['profiling'] as const) : [])]
}

/** What was said of the purpose by then, as far as it concerns the channel. Asked about none, all of them are meant. */
function concerning({ purpose, channel, at }: ConsentQuestion, { consents }: History): ConsentSaid[] {
  return consents.filter((said) => {
    if (said.purpose !== purpose || said.time > at) return false
    if (said.channel === undefined || said.channel === channel) return true
    return channel === undefined && !permits(said.state)
  })
}

function objecting({ channel, at }: ConsentQuestion, purpose: StatedPurpose, { objections }: History): Said[] {
  const known = objections.filter(({ time }) => time <= at)
  return [
    ...(purpose.marketing ? standing(known, 'marketing', channel) : []),
    ...(purpose.profiling ? standing(known, 'profiling', channel) : []),
  ]
}

function byGround(
  question: ConsentQuestion,
  ground: Ground,
  said: readonly ConsentSaid[],
  objections: readonly Said[],
): Ruling {
  const { basis, channels } = ground
  const { channel, jurisdiction } = question
  if (channels && (channel === undefined || !channels.includes(channel)))
    return deny('purpose', `${words(basis)} is no ground ${channel ? `on ${channel}` : 'on every channel'}`)
  if (ground.receipt) return byReceipt(question, ground, said, objections)
  const where = within(jurisdiction, ground)
  if (where) return where
  const objection = newest(objections)
  if (objection) return objected(objection)
  const noes = yielding.has(basis) ? said.filter(({ state }) => !permits(state)) : []
  const last = endOf(noes)
  if (noes.length > 0 && !said.some((each) => permits(each.state) && isAfter(each, last))) return denied(newest(noes)!)
  return { allowed: true, code: 'basis', reason: `rests on ${words(basis)}`, basis }
}

function byReceipt(
  question: ConsentQuestion,
  ground: Ground,
  said: readonly ConsentSaid[],
  objections: readonly Said[],
): Ruling {
  const { basis, notices, lasts } = ground
  const noes = said.filter(({ state }) => !permits(state))
  const grants = said.filter((each) => permits(each.state) && each.basis === basis)
  const [lastNo, lastObjection] = [endOf(noes), endOf(objections)]
  const standingGrants = grants.filter((each) => isAfter(each, lastNo) && isAfter(each, lastObjection))
  if (standingGrants.length === 0) {
    if (objections.length > 0 && !grants.some((each) => isAfter(each, lastObjection)))
      return objected(newest(objections)!)
    if (noes.length > 0) return denied(newest(noes)!)
    return deny('unknown', `no receipt for ${words(basis)} is on record`)
  }
  const grant = newest(standingGrants.filter((each) => holdsIn(question.jurisdiction, each.jurisdiction)))
  if (!grant) {
    const elsewhere = newest(standingGrants)!
    const reason = `the receipt is of ${elsewhere.jurisdiction}, not of ${question.jurisdiction}`
    return because(elsewhere, 'jurisdiction', reason)
  }
  const where = within(question.jurisdiction ?? grant.jurisdiction, ground)
  if (where) return { ...where, because: grant.seq }
  if (notices && (grant.notice === undefined || !notices.includes(grant.notice))) {
    const shown = grant.notice === undefined ? 'names no notice' : `is for notice ${grant.notice}`
    return because(grant, 'notice', `the receipt ${shown}; of the notices ${notices.join(', ')} count`)
  }
  if (grant.until !== undefined && question.at >= grant.until)
    return because(grant, 'expired', 'the time that the receipt states is over')
  if (lasts !== undefined && question.at >= grant.time + lasts)
    return because(grant, 'expired', 'the receipt is older than the policy lets it count')
  const reason = basis === 'consent' ? `consent was ${grant.state}` : `rests on ${words(basis)}, by a receipt`
  return { allowed: true, code: basis === 'consent' ? 'given' : 'basis', reason, basis, because: grant.seq, grant }
}

/** A refusal where the ground does not reach the place; a place that nobody named is in none of the list. */
function within(place: string | undefined, { basis, jurisdictions }: Ground): Ruling | undefined {
  if (!jurisdictions || (place !== undefined && jurisdictions.some((each) => isIn(place, each)))) return undefined
  const where = place === undefined ? 'a place that is not known' : place
  return deny('jurisdiction', `${words(basis)} is a ground in ${jurisdictions.join(', ')}, and this is ${where}`)
}

function holdsIn(asked: string | undefined, said: string | undefined): boolean {
  return asked === undefined || said === undefined || isIn(asked, said)
}

/** `US-CA` is in `US`. */
function isIn(place: string, whole: string): boolean {
  return place === whole || place.startsWith(`${whole}-`)
}

interface Placed {
  readonly seq: number
  readonly time: number
}

/** The last place on the log, and the last time, of things that were said. */
function endOf(said: readonly Placed[]): Placed {
  let [seq, time] = [-Infinity, -Infinity]
  for (const each of said) {
    seq = Math.max(seq, each.seq)
    time = Math.max(time, each.time)
  }
  return { seq, time }
}

/** Whether something was said later, by its own time and on the log. */
function isAfter(said: Placed, end: Placed): boolean {
  return said.seq > end.seq && said.time > end.time
}

function newest<T extends Placed>(said: readonly T[]): T | undefined {
  return said.reduce<T | undefined>(
    (last, each) =>
      last === undefined || each.time > last.time || (each.time === last.time && each.seq > last.seq) ? each : last,
    undefined,
  )
}

/** Of several refusals the one that says most: what the person said comes before what is missing. */
function gravest(rulings: readonly Ruling[]): Ruling {
  const order: readonly Code[] = ['objected', 'withdrawn', 'refused', 'expired', 'notice', 'jurisdiction', 'requested']
  const rank = ({ code }: Ruling): number => (order.includes(code) ? order.indexOf(code) : order.length)
  return rulings.reduce((worst, each) => (rank(each) < rank(worst) ? each : worst))
}

function objected({ seq, purpose, channel }: Said): Ruling {
  const where = channel === undefined ? '' : ` on ${channel}`
  return { ...deny('objected', `the person objects to ${purpose}${where}`), because: seq }
}

function denied(said: ConsentSaid): Ruling {
  return because(said, codes[said.state], `consent is ${said.state}`)
}

function because({ seq }: { seq: number }, code: Code, reason: string): Ruling {
  return { ...deny(code, reason), because: seq }
}

function deny(code: Code, reason: string): Ruling {
  return { allowed: false, code, reason }
}

function words(basis: LawfulBasis): string {
  return basis.replaceAll('_', ' ')
}
