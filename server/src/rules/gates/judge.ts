// Judging an action: consent or another basis first, then every gate of every chain that applies, in order.
import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import type { Verdict } from '@whence/sdk'
import { applies } from './chain.ts'
import type { GateChain, GateConfiguration } from './chain.ts'
import type { AskScorer, Gate, GateFacts, Seen } from './gate.ts'
import { approvalGate } from './kinds/approval.ts'
import { brandGate } from './kinds/brand.ts'
import { cedarGate } from './kinds/cedar.ts'
import { consentGate } from './kinds/consent.ts'
import { disguiseGate } from './kinds/disguise.ts'
import { mergeTagsGate } from './kinds/merge-tags.ts'
import { piiGate } from './kinds/pii.ts'
import { protectedGate } from './kinds/protected.ts'
import { scorerGate } from './kinds/scorer.ts'
import { scoredBefore } from './kinds/scored-before.ts'
import { listsOf, termsGate } from './kinds/terms.ts'
import type { TermListInForce } from './kinds/terms.ts'
import { Reading } from './reading.ts'

export interface ChainInForce {
  readonly policy: GateChain
  readonly version: number
}

/** The chains and term lists in force, each in the order of their names. */
export interface GatesInForce {
  readonly chains: readonly ChainInForce[]
  readonly terms: readonly TermListInForce[]
}

/** What gates of this code mean. It changes when the same configuration would find something else. */
const meaning = 'gates/1'

const consent: GateConfiguration = { kind: 'consent', name: 'consent', shadow: false }

/**
 * The verdict of each gate. Consent is judged first, whatever a file says, and where no chain applies. A gate that fails
 * counts as one that found something. Once something is refused nobody else is asked: scorers are left out. With verdicts
 * of `before`, when the same action was judged, scorers are taken at what they said then, and nobody is asked.
 */
export async function judge(
  inForce: GatesInForce,
  facts: GateFacts,
  ask: AskScorer,
  before?: readonly Verdict[],
): Promise<Verdict[]> {
  const chains = inForce.chains.filter(({ policy }) => applies(policy, facts.proposal))
  const judging = { facts, ask, readings: facts.copy.map((part) => new Reading(part)) }
  const large = facts.copy.reduce((sum, { text }) => sum + text.length, 0) > 50_000
  const verdicts: Verdict[] = []
  for (const { gate, policy } of inOrder(chains)) {
    const counted = verdicts.some(({ outcome, shadow }) => outcome === 'refuse' && !shadow)
    if (gate.kind === 'scorer' && counted) continue
    const fingerprint = fingerprintOf(gate, inForce.terms)
    let seen: Seen
    try {
      seen =
        unread(gate, facts) ??
        (gate.kind === 'scorer' && before
          ? scoredBefore(gate, { policy, fingerprint, readings: judging.readings, before })
          : await ready(gate, inForce.terms, fingerprint)(judging))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      seen = { counts: true, findings: [{ code: 'gate.failed', message: `the gate failed: ${reason}` }], inputs: {} }
    }
    verdicts.push({
      gate: gate.name,
      kind: gate.kind,
      policy,
      fingerprint,
      outcome: seen.counts ? (seen.outcome ?? outcomeOf(gate)) : 'pass',
      ...(gate.shadow ? { shadow: true } : {}),
      findings: [...seen.findings],
      inputs: { ...seen.inputs },
    })
    // A long copy must not hold up whoever else waits.
    if (large) await turn()
  }
  return verdicts
}

function inOrder(chains: readonly ChainInForce[]): { gate: GateConfiguration; policy: string }[] {
  const gates = chains.flatMap(({ policy, version }) =>
    policy.gates.map((gate) => ({ gate, policy: `${policy.name}@v${version}` })),
  )
  const first = gates.find(({ gate }) => gate.kind === 'consent') ?? { gate: consent, policy: 'built-in' }
  return [first, ...gates.filter(({ gate }) => gate.kind !== 'consent')]
}

const readers = new Set<GateConfiguration['kind']>(['terms', 'pii', 'merge_tags', 'disguise', 'brand', 'scorer'])

/** A message of which only a digest is given, or nothing, was read by nobody. */
function unread({ kind }: GateConfiguration, { copy, proposal: { type } }: GateFacts): Seen | undefined {
  if (copy.length > 0 || !readers.has(kind) || (type !== 'send' && type !== 'edit')) return undefined
  const message = 'its copy is not given, so that this gate cannot read it: give output.copy'
  return { counts: true, findings: [{ code: 'copy.absent', message }], inputs: {} }
}

function outcomeOf(gate: GateConfiguration): 'hold' | 'refuse' {
  if (gate.kind === 'consent') return 'refuse'
  if (gate.kind === 'approval') return 'hold'
  return gate.finds
}

const fingerprints = new WeakMap<GateConfiguration, { terms: readonly TermListInForce[]; fingerprint: string }>()
const digests = new WeakMap<object, string>()

/** Of everything that decides what a gate finds: its configuration, and the lists that it reads. */
function fingerprintOf(gate: GateConfiguration, terms: readonly TermListInForce[]): string {
  const known = fingerprints.get(gate)
  if (known && known.terms === terms) return known.fingerprint
  const lists = gate.kind === 'terms' ? listsOf(gate, terms).map(({ policy }) => [policy.name, digestOf(policy)]) : []
  const fingerprint = sha256({ meaning, gate, lists })
  fingerprints.set(gate, { terms, fingerprint })
  return fingerprint
}

function digestOf(policy: object): string {
  let digest = digests.get(policy)
  if (digest === undefined) digests.set(policy, (digest = sha256(policy)))
  return digest
}

function sha256(value: unknown): string {
  // By way of JSON, so that what is absent and what is undefined are the same.
  const plain = JSON.parse(JSON.stringify(value)) as Json
  return createHash('sha256').update(canonicalize(plain)).digest('hex')
}

/** Gates made ready, by fingerprint: policies are read anew more often than they change. */
const readied = new Map<string, Gate>()
const mostReady = 500

function ready(gate: GateConfiguration, terms: readonly TermListInForce[], fingerprint: string): Gate {
  // A list that was taken out and put back is the same under another version, which verdicts name.
  const versions = gate.kind === 'terms' ? listsOf(gate, terms).map(({ version }) => version) : []
  const key = [fingerprint, ...versions].join()
  let found = readied.get(key)
  if (found === undefined) {
    if (readied.size >= mostReady) readied.clear()
    readied.set(key, (found = make(gate, terms)))
  }
  return found
}

function make(gate: GateConfiguration, terms: readonly TermListInForce[]): Gate {
  switch (gate.kind) {
    case 'consent':
      return consentGate
    case 'cedar':
      return cedarGate(gate)
    case 'terms':
      return termsGate(gate, terms)
    case 'pii':
      return piiGate(gate)
    case 'merge_tags':
      return mergeTagsGate(gate)
    case 'disguise':
      return disguiseGate(gate)
    case 'brand':
      return brandGate(gate)
    case 'protected':
      return protectedGate(gate)
    case 'scorer':
      return scorerGate(gate)
    case 'approval':
      return approvalGate(gate)
  }
}
