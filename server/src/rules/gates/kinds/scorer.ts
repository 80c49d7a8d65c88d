// A scorer that runs elsewhere (toxicity, facts, Presidio). It is believed in one thing only: a number within what was
// agreed. One that hangs, lies or answers rubbish is as good as none, and what none means stands in the gate.
import type { Finding } from '@whence/sdk'
import { z } from 'zod'
import type { GateOf } from '../chain.ts'
import type { AskScorer, Gate, Seen } from '../gate.ts'
import type { Reading } from '../reading.ts'
import { seen } from './finding.ts'

/** More of an answer is not read. */
const mostBytes = 256 * 1024

const Score = z.object({ score: z.number(), version: z.string().max(200).optional() })
const Entities = z
  .array(
    z.object({
      entity_type: z.string().max(64),
      start: z.number().int().min(0),
      end: z.number().int().min(0),
      score: z.number().min(0).max(1),
    }),
  )
  .max(10_000)

interface Scored {
  readonly part: string
  readonly score: number
  readonly findings: readonly Finding[]
}

export type ScorerAnswer =
  | Scored
  /** `unasked`: it was not even asked, for want of a secret. */
  | { readonly part: string; readonly unanswered: string; readonly unasked?: true }

export function scorerGate(gate: GateOf<'scorer'>): Gate {
  return async ({ readings, ask }) => {
    const asked = readings.filter(({ part }) => isScored(gate, part))
    return heard(gate, await Promise.all(asked.map((reading) => answerOf(gate, reading, ask))))
  }
}

export function isScored({ parts }: GateOf<'scorer'>, part: string): boolean {
  return parts === undefined || parts.includes(part)
}

/** What a gate makes of answers. */
export function heard(gate: GateOf<'scorer'>, answers: readonly ScorerAnswer[]): Seen {
  const { scorer, version, threshold, finding, shape, unanswered } = gate
  const findings: Finding[] = []
  let failed = false
  let unasked = false
  for (const answer of answers) {
    if ('unanswered' in answer) {
      failed = true
      unasked ||= answer.unasked === true
      findings.push({ code: 'scorer.unanswered', message: `${scorer}: ${answer.unanswered}`, part: answer.part })
    } else findings.push(...answer.findings)
  }
  const scores = Object.fromEntries(answers.map((one) => [one.part, 'score' in one ? one.score : null]))
  const inputs = { scorer, version, shape, threshold, finding, scores, ...(failed ? { unanswered } : {}) }
  const found = findings.some(({ code }) => code !== 'scorer.unanswered')
  // A scorer that may be silent is not one that nobody set up: for want of a secret the gate stays closed.
  const said = seen(findings, inputs, found || unasked || (failed && unanswered !== 'pass'))
  // Of what was found and what was not answered, the stricter counts.
  const refused = (found && gate.finds === 'refuse') || (failed && unanswered === 'refuse')
  return { ...said, outcome: refused ? 'refuse' : 'hold' }
}

async function answerOf(gate: GateOf<'scorer'>, reading: Reading, ask: AskScorer): Promise<ScorerAnswer> {
  const { url, timeout, language, shape, entities, credentials } = gate
  const { part } = reading
  const text = reading.visible.text.toWellFormed()
  const body =
    shape === 'presidio'
      ? { text, language, score_threshold: gate.threshold, ...(entities ? { entities } : {}) }
      : { text, part, language }
  const reply = await ask({
    url,
    body: JSON.stringify(body),
    timeoutMs: timeout / 1000,
    mostBytes,
    ...(credentials === undefined ? {} : { token: credentials.token }),
  })
  if ('failure' in reply && reply.failure === 'no_secret')
    return { part, unanswered: `it was not asked (${reply.reason})`, unasked: true }
  if ('failure' in reply) return { part, unanswered: `no answer (${reply.reason})` }
  if (reply.status === 401 || reply.status === 403)
    return { part, unanswered: `it answered with status ${reply.status}: it does not take the credentials` }
  if (reply.status !== 200) return { part, unanswered: `it answered with status ${reply.status}` }
  let json: unknown
  try {
    json = JSON.parse(reply.body)
  } catch {
    return { part, unanswered: 'its answer is no JSON' }
  }
  return shape === 'presidio' ? entitiesOf(gate, reading, json) : scoreOf(gate, part, json)
}

export function scoreOf(
  { scorer, version, threshold, finding }: GateOf<'scorer'>,
  part: string,
  json: unknown,
): ScorerAnswer {
  const read = Score.safeParse(json)
  if (!read.success) return { part, unanswered: 'its answer is no {"score": number}' }
  const { score, version: told } = read.data
  if (told !== undefined && told !== version)
    return { part, unanswered: `it calls itself version ${told}, and ${version} was approved` }
  const met = finding === 'atLeast' ? score >= threshold : score < threshold
  const how = finding === 'atLeast' ? 'at or above' : 'below'
  const message = `${scorer} scores it ${score}, ${how} ${threshold}`
  return { part, score, findings: met ? [{ code: 'scorer.score', message, part }] : [] }
}

/** Presidio counts code points of the text; findings count code units of the part. */
function entitiesOf({ scorer, threshold }: GateOf<'scorer'>, { part, visible }: Reading, json: unknown): ScorerAnswer {
  const read = Entities.safeParse(json)
  if (!read.success) return { part, unanswered: 'its answer is no list of entities' }
  const met = read.data.filter(({ score }) => score >= threshold).toSorted((a, b) => a.start - b.start)
  const units = unitsOf(
    visible.text,
    met.flatMap(({ start, end }) => [start, end]),
  )
  const findings = met.map(({ entity_type: entity, start, end, score }): Finding => {
    const [from, to] = [units.get(start), units.get(end)]
    const place = from === undefined || to === undefined || to <= from ? {} : visible.origin(from, to)
    return { code: 'scorer.entity', message: `${scorer} finds ${entity.slice(0, 64)} (${score})`, part, ...place }
  })
  return { part, score: Math.max(0, ...met.map(({ score }) => score)), findings }
}

/** Places in code points as places in code units. */
function unitsOf(text: string, points: readonly number[]): Map<number, number> {
  const asked = new Set(points)
  const units = new Map<number, number>()
  let point = 0
  let unit = 0
  for (const character of text) {
    if (asked.has(point)) units.set(point, unit)
    point++
    unit += character.length
  }
  if (asked.has(point)) units.set(point, unit)
  return units
}
