// A simulation, not data about anybody: 5,000 invented customers of an invented shop receive 40 campaigns between
// 2 January and 19 March 2026. Each has a hidden liking for the shop and for each style of subject line; who opened
// lately opens more easily, who gets too much opens less. So there is something to learn, and nobody is harmed.
//
// The same seed gives the same bytes on any machine: no clock, no Math.random, and only arithmetic that IEEE 754 fixes
// (no exp or log, whose last digit is left to the engine).
//
//   node simulate.ts > email_events.ndjson
import { campaigns, styles, type Audience, type Style } from './programme.ts'

export interface Simulation {
  /** NDJSON, one event a line, in the order in which the collector received them; the last line is cut off. */
  readonly lines: readonly string[]
  /** What was made dirty on purpose: line (from 1) and what is wrong with it. */
  readonly flawed: ReadonlyMap<number, Flaw>
  /** Sequence numbers that no event has. */
  readonly gap: { readonly from: number; readonly to: number }
}

export type Flaw = keyof typeof flaws

interface Customer {
  readonly id: string
  readonly platform: string
  readonly audiences: ReadonlySet<Audience>
  /** Hidden: liking for the shop, and for each style of subject line, around 0. */
  readonly engagement: number
  readonly taste: Readonly<Record<Style, number>>
  readonly hour: number
  consent: boolean
  unsubscribed: number
  warmth: number
  pressure: number
  seen: number
}

interface Event {
  readonly event: 'sent' | 'opened' | 'clicked' | 'converted' | 'unsubscribed'
  /** Seconds since the start of the programme. */
  readonly time: number
  readonly received: number
  readonly customer: Customer
  readonly campaign: number
  readonly style: Style
  readonly consent: boolean
  readonly order?: { id: number; cents: number }
}

const start = Date.UTC(2026, 0, 1) / 1000
const hour = 3600
const day = 24 * hour
/** The programme is looked at on 20 March at midnight; what would happen later is not in the file. */
const end = 78 * day

export function simulate({ seed = 7, customers = 5000 } = {}): Simulation {
  const random = numbers(seed)
  const everyone = Array.from({ length: customers }, (_, i) => customer(i + 1, random))
  const events: Event[] = []
  for (const index of campaigns.keys()) send(index, everyone, random, events)
  const received = events.filter((event) => event.received < end).toSorted((a, b) => a.received - b.received)
  return written(received)
}

function customer(number: number, random: () => number): Customer {
  const audiences = new Set<Audience>(['all subscribers'])
  // The README follows customer 42, so that one likes the shop, and a subject line that says what there is to gain.
  const followed = number === 42
  const engagement = followed ? 2 : normal(random)
  const taste = followed
    ? { A: 0.9, B: 0.2, C: 0 }
    : { A: 0.7 * normal(random), B: 0.7 * normal(random), C: 0.7 * normal(random) }
  if (followed || (engagement > 0.4 && random() < 0.7)) audiences.add('loyal customers')
  if (engagement < -0.3 && random() < 0.6) audiences.add('not seen lately')
  if (random() < 0.15) audiences.add('new since autumn')
  if (random() < 0.4) audiences.add('garden')
  if (random() < 0.4) audiences.add('kitchen')
  return {
    id: `C-${String(number).padStart(6, '0')}`,
    platform: random() < 0.7 ? 'lettermill-eu' : 'lettermill-us',
    audiences,
    engagement,
    taste,
    hour: [7, 8, 12, 13, 18, 19, 20, 21][whole(random, 8)]!,
    consent: true,
    unsubscribed: Infinity,
    warmth: 0,
    pressure: 0,
    seen: 0,
  }
}

/** Sends one campaign to a part of its audience, one third for each subject line, and lets each recipient react. */
function send(index: number, everyone: readonly Customer[], random: () => number, events: Event[]): void {
  const { audience, name } = campaigns[index]!
  const share = { 'all subscribers': 0.25, 'loyal customers': 0.95, 'not seen lately': 0.95 }[audience as string] ?? 0.7
  const opening = (1 + Math.floor(index * 1.95)) * day + [7, 9, 12, 17, 18][whole(random, 5)]! * hour
  const quality = 0.3 * normal(random)
  for (const [position, customer] of everyone.entries()) {
    if (!customer.audiences.has(audience) || random() >= share) continue
    // One campaign went out from an export that was older than some opt-outs: the consent flag tells.
    const fromOldExport = name === 'Try Again' && customer.unsubscribed < opening && random() < 0.4
    if (customer.unsubscribed < opening && !fromOldExport) continue
    const style = styles[whole(random, 3)]!
    const time = opening + Math.floor(position / 3)
    react({ index, style, time, customer, quality, consent: customer.consent && !fromOldExport }, random, events)
  }
}

interface Sending {
  readonly index: number
  readonly style: Style
  readonly time: number
  readonly customer: Customer
  readonly quality: number
  readonly consent: boolean
}

function react(
  { index, style, time, customer, quality, consent }: Sending,
  random: () => number,
  events: Event[],
): void {
  const happens = (event: Event['event'], when: number, delay: number, order?: Event['order']) =>
    events.push({
      event,
      time: when,
      received: when + delay,
      customer,
      campaign: index,
      style,
      consent,
      ...(order && { order }),
    })
  happens('sent', time, 1 + whole(random, 20))

  // Warmth and pressure fade by a tenth and a fifth a day.
  const days = Math.floor((time - customer.seen) / day)
  for (let i = 0; i < Math.min(days, 60); i++) {
    customer.warmth *= 0.9
    customer.pressure *= 0.8
  }
  customer.seen = time
  const fits = Math.abs(Math.floor((time % day) / hour) - customer.hour) <= 2 ? 0.25 : 0
  const liking = customer.engagement + customer.taste[style] + quality + fits
  const opens = random() < chance(-1.45 + 0.8 * liking + 0.35 * customer.warmth - 0.12 * customer.pressure)
  customer.pressure += 1
  const leaves = random() < (customer.engagement < -0.8 ? 0.012 : 0.002)
  if (!opens) {
    if (leaves) leave(time + 60 + whole(random, day))
    return
  }

  const late = random()
  const opened = awake(time + 120 + Math.floor(96 * hour * late * late * late * late), customer.hour)
  happens('opened', opened, random() < 0.01 ? whole(random, 30 * hour) : 1 + whole(random, 30))
  if (random() < 0.1)
    happens('opened', awake(opened + 300 + whole(random, 2 * day), customer.hour), 1 + whole(random, 30))
  customer.warmth = Math.min(customer.warmth + 1, 3)
  if (random() < chance(-2 + 0.8 * customer.engagement + 0.5 * customer.taste[style])) {
    const clicked = opened + 5 + whole(random, 300)
    happens('clicked', clicked, 1 + whole(random, 20))
    customer.warmth = Math.min(customer.warmth + 1, 3)
    if (random() < chance(-1.6 + 0.5 * customer.engagement)) {
      const cents = 990 + whole(random, 4000) + (random() < 0.2 ? whole(random, 12_000) : 0)
      happens('converted', awake(clicked + 120 + whole(random, 20 * hour), customer.hour), 2 + whole(random, 60), {
        id: 300_000 + events.length,
        cents,
      })
    }
  }
  if (leaves) leave(opened + 30 + whole(random, 600))

  function leave(when: number): void {
    if (customer.unsubscribed !== Infinity) return
    customer.unsubscribed = when
    customer.consent = false
    consent = false
    happens('unsubscribed', when, 1 + whole(random, 20))
  }
}

/** Nobody reads at night: what falls between midnight and six waits for the reader's own hour. */
function awake(time: number, favourite: number): number {
  return time % day < 6 * hour ? time - (time % day) + favourite * hour + (time % hour) : time
}

// What real files have, a few of each. The first three are let in and flagged; the others are kept in quarantine.
const flaws = {
  'unknown field': (line: string) => line.replace(/}$/, ',"utm_source":"newsletter"}'),
  'unknown platform': (line: string) => line.replace(/"platform":"[^"]*"/, '"platform":"LM-legacy"'),
  'negative value': (line: string) => line.replace(/"order_value":/, '"order_value":-'),
  'missing customer': (line: string) => line.replace(/"customer_id":"[^"]*",/, ''),
  'wrong type': (line: string) => line.replace(/"creative":"[^"]*"/, '"creative":3'),
  'time without zone': (line: string) => line.replace(/("time":"[^"]*)Z"/, '$1"'),
  'repeated key': (line: string) => line.replace(/"creative":/, '"creative":"C","creative":'),
  'number beyond 2^53': (line: string) => line.replace(/"order_id":\d+/, '"order_id":9007199254740993'),
  'cut line': (line: string) => line.slice(0, Math.floor(line.length * 0.6)),
}

export const letIn: ReadonlySet<Flaw> = new Set(['unknown field', 'unknown platform', 'negative value'])

function written(events: readonly Event[]): Simulation {
  const flawed = new Map<number, Flaw>()
  const orders = events.flatMap((e, i) => (e.event === 'converted' ? [i + 1] : []))
  const mark = (line: number | undefined, flaw: Flaw) => line && line < events.length && flawed.set(line, flaw)
  for (let i = 1; i <= 9; i++) mark(i * 5501, 'unknown field')
  for (let i = 1; i <= 8; i++) mark(i * 6007 + 1, 'unknown platform')
  for (let i = 1; i <= 4; i++) mark(orders[i * 60], 'negative value')
  mark(12_347, 'missing customer')
  mark(23_459, 'wrong type')
  mark(34_583, 'time without zone')
  mark(45_667, 'repeated key')
  mark(orders[333], 'number beyond 2^53')
  flawed.set(events.length, 'cut line')

  // The collector was restarted here, and three numbers were never given to an event.
  const gap = { from: 28_001, to: 28_003 }
  const lines = events.map((event, i) => {
    const sequence = i + 1 < gap.from ? i + 1 : i + 1 + (gap.to - gap.from + 1)
    const line = JSON.stringify(row(event, i + 1, sequence))
    const flaw = flawed.get(i + 1)
    return flaw ? flaws[flaw](line) : line
  })
  return { lines, flawed, gap }
}

function row(
  { event, time, received, customer, campaign, style, consent, order }: Event,
  number: number,
  sequence: number,
) {
  const { name, audience, subjects } = campaigns[campaign]!
  return {
    event_id: `e-${String(number).padStart(6, '0')}`,
    sequence,
    event,
    time: timestamp(time),
    received_at: timestamp(received),
    customer_id: customer.id,
    campaign: name,
    creative: style,
    audience,
    platform: customer.platform,
    consent,
    ...(event === 'sent' && { subject_line: subjects[style] }),
    ...(order && { order_id: order.id, order_value: order.cents / 100 }),
  }
}

function timestamp(seconds: number): string {
  return new Date((start + seconds) * 1000).toISOString().replace('.000Z', 'Z')
}

/** Between 0 and 1, rising with `x`: a logistic curve in shape, made of exact operations only. */
function chance(x: number): number {
  return 0.5 + (0.5 * x) / Math.sqrt(1 + x * x)
}

/** About normal, mean 0, standard deviation 1: four uniform numbers added. */
function normal(random: () => number): number {
  return (random() + random() + random() + random() - 2) * 1.7320508075688772
}

function whole(random: () => number, below: number): number {
  return Math.floor(random() * below)
}

/** mulberry32: 2^32 states are plenty here, and it fits in five lines. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

if (import.meta.main) process.stdout.write(simulate({ seed: Number(process.argv[2] ?? 7) }).lines.join('\n'))
