// Spans as agents send them: each is read, reduced to what may be kept, and recorded; one that asks for it is proposed as an
// action. They come in any order, late, and twice: what they say of an action is put together when it is asked for.
import { canonicalize } from '@whence/ledger'
import type { ActionProposal, DecidedAction, KeyedDigest, SpanSaid, Trace } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { hmac } from '../../record/subjects/hmac.ts'
import type { Subject } from '../../record/subjects/subjects.ts'
import { permits } from '../../rules/access/access.ts'
import type { Caller } from '../../rules/access/access.ts'
import { witnessesOf } from '../../rules/traces/action.ts'
import { factsOf } from '../../rules/traces/facts.ts'
import type { SpanFacts } from '../../rules/traces/facts.ts'
import { Family } from '../../rules/traces/family.ts'
import { digestOf, keepSpan, maskedTexts } from '../../rules/traces/keep.ts'
import type { Keeping } from '../../rules/traces/keep.ts'
import type { Mask } from '../../rules/traces/label.ts'
import { personOf } from '../../rules/traces/person.ts'
import { proposalOf } from '../../rules/traces/proposal.ts'
import type { Arrival } from '../../rules/traces/span.ts'
import type { Database } from '../../store/database.ts'
import { SPAN_STREAM, traceOf, tracesOfAction } from './span-records.ts'
import { Tally } from './tally.ts'
import type { TraceResult } from './tally.ts'

/** Spans reduced in one turn of the event loop: others get theirs. */
const TURN = 32
/** Actions that are proposed at the same time. */
const ABREAST = 32
/** Short texts of which it is remembered how they look masked: names come again and again. */
const REMEMBERED = 10_000
const SHORT = 200

/** Operations that an entry may name in clear. */
const OPERATIONS =
  /^(chat|generate_content|text_completion|embeddings|retrieval|create_agent|invoke_agent|invoke_workflow|execute_tool)$/

const DIGEST = Buffer.from('whence/span/v1')

export type Propose = (proposal: ActionProposal, caller: Caller) => Promise<DecidedAction>

export interface TraceParts {
  ledger: Ledger
  follower: Follower
  database: Database
  mask: Mask
  /** Whether masked texts are kept of spans that name a person. */
  capture: 'masked' | 'digest'
  propose?: Propose | undefined
}

/** A span that can be recorded. */
interface Reduced {
  readonly facts: SpanFacts
  readonly said: SpanSaid
  readonly draft: Draft
}

export class Traces {
  readonly #parts: TraceParts
  readonly #keeping: Keeping

  constructor(parts: TraceParts) {
    this.#parts = parts
    const { idKey } = parts.ledger.subjects
    this.#keeping = {
      digest: (sha256) => `hmac:${hmac(idKey, Buffer.concat([DIGEST, Buffer.from(sha256, 'hex')])).toString('hex')}`,
      mask: remembering(parts.mask),
    }
  }

  /**
   * Records spans, durably when it resolves; the same span again is taken as it is. Then proposes those that ask for it;
   * proposed again, an action is the same. Throws `overloaded`, `disk_full` or `unavailable` when all of it should be
   * sent again.
   */
  async receive(arrivals: readonly Arrival[], caller: Caller): Promise<TraceResult> {
    const tally = new Tally()
    const reduced = await this.#reduce(arrivals, caller, tally)
    const drafts = reduced.map(({ draft }) => draft)
    const results = (await this.#parts.ledger.append(drafts, { actor: caller.id })) as Appended[]
    const standing = reduced.filter((_, i) => {
      const result = results[i]!
      if (result.status === 'refused') tally.refuse(result.fault.message)
      else if (result.status === 'conflict') tally.refuse('another span is on record under its ids')
      else tally.take(result.status)
      return result.status === 'recorded' || result.status === 'duplicate'
    })
    await this.#propose(standing, caller, tally)
    return tally.result()
  }

  /** The traces of an action by its id, or one by its own. */
  async of(what: { action: string } | { trace: string }): Promise<Trace[]> {
    const ids = 'trace' in what ? [what.trace] : await tracesOfAction(this.#parts, this.fingerprint(what.action))
    const traces = await Promise.all(ids.map((id) => traceOf(this.#parts, id)))
    return traces.filter((trace) => trace !== undefined)
  }

  /** The digest under which a span on record has this text. */
  fingerprint(text: string): KeyedDigest {
    return digestOf(text, this.#keeping)
  }

  /** The same, of a text whose SHA-256 (hex) is known. */
  fingerprintOf(sha256: string): KeyedDigest {
    return this.#keeping.digest(sha256)
  }

  async #reduce(arrivals: readonly Arrival[], caller: Caller, tally: Tally): Promise<Reduced[]> {
    const all: SpanFacts[] = []
    for (const [i, arrival] of arrivals.entries()) {
      if (i % TURN === TURN - 1) await turn()
      if ('span' in arrival) all.push(factsOf(arrival.span))
      else tally.refuse(arrival.refused)
    }
    const families = new Map(
      [...Map.groupBy(all, ({ trace }) => trace)].map(([trace, spans]) => [trace, new Family(spans)]),
    )
    const reduced: Reduced[] = []
    for (const [i, facts] of all.entries()) {
      if (i % TURN === TURN - 1) await turn()
      const subject = this.#subjectOf(facts, families.get(facts.trace)!)
      if (typeof subject === 'string') {
        tally.refuse(subject)
        continue
      }
      const said = keepSpan(facts, this.#keeping)
      reduced.push({ facts, said, draft: this.#draft(facts, said, subject, caller) })
    }
    return reduced
  }

  /** The person under whose key it is sealed, or why it cannot be recorded. */
  #subjectOf(facts: SpanFacts, family: Family<SpanFacts>): Subject | string | undefined {
    const person = personOf(facts, family)
    if (person === undefined) return undefined
    const { subjects } = this.#parts.ledger
    if ('entity' in person && (person.entity.length > 512 || person.type.length > 128))
      return 'the identifier of the person that it names is longer than 512 characters'
    const subject = 'subject' in person ? subjects.byId(person.subject) : subjects.mint(person.type, person.entity)
    if (subject === 'erased') return 'the person that it names was erased; nothing more is recorded about them'
    return subject ?? 'the subject that it names is not known, or was erased'
  }

  #draft(facts: SpanFacts, said: SpanSaid, subject: Subject | undefined, caller: Caller): Draft {
    const masked = subject && this.#parts.capture === 'masked' ? maskedTexts(facts, this.#keeping.mask) : {}
    return {
      kind: 'span/1',
      stream: SPAN_STREAM,
      source: caller.source,
      id: `${facts.trace}/${facts.span}`,
      time: facts.start,
      refs: OPERATIONS.test(said.operation ?? '') ? { operation: said.operation! } : {},
      content: Buffer.from(canonicalize(said as never)),
      subject,
      // Beside the content: whether masked texts are kept does not make it another span.
      ...(Object.keys(masked).length > 0 ? { header: { masked } } : {}),
    }
  }

  async #propose(standing: readonly Reduced[], caller: Caller, tally: Tally): Promise<void> {
    const asking = standing.filter(({ said }) => said.action?.propose)
    if (asking.length === 0) return
    const { propose } = this.#parts
    if (!propose) {
      for (const _ of asking) tally.remark('asks to be proposed as an action, which this server does not do')
      return
    }
    if (!permits(caller, 'propose')) {
      for (const _ of asking)
        tally.remark('asks to be proposed as an action, which this key may not: it lacks "propose"')
      return
    }
    const proposals = [...Map.groupBy(standing, ({ said }) => said.trace).values()].flatMap((spans) => {
      const factsBy = new Map(spans.map(({ said, facts }) => [said, facts]))
      const facts = (list: readonly SpanSaid[]): SpanFacts[] => list.map((said) => factsBy.get(said)!)
      return witnessesOf(spans.map(({ said }) => said)).flatMap(({ naming, calling, acting }) => {
        if (!naming.some(({ action }) => action?.propose)) return []
        const made = proposalOf({ naming: facts(naming), calling: facts(calling), acting: facts(acting) })
        if ('proposal' in made) return [made.proposal]
        tally.remark(`could not be proposed: ${made.refused}`)
        return []
      })
    })
    for (let i = 0; i < proposals.length; i += ABREAST) {
      await Promise.all(
        proposals.slice(i, i + ABREAST).map(async (proposal) => {
          try {
            await propose(proposal, caller)
          } catch (error) {
            const fault = Fault.from(error)
            // Sent again, its spans are duplicates, and it is proposed again.
            if (fault.status >= 500) throw fault
            tally.remark(`could not be proposed (${fault.code}): POST /v1/actions would say why`)
          }
        }),
      )
    }
  }
}

function remembering(mask: Mask): Mask {
  const known = new Map<string, string>()
  return (text) => {
    if (text.length > SHORT) return mask(text)
    let masked = known.get(text)
    if (masked === undefined) {
      masked = mask(text)
      if (known.size >= REMEMBERED) known.clear()
      known.set(text, masked)
    }
    return masked
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
