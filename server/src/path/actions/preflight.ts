// Before a launch: how many of an audience would get a message, and why the others would not. The gates are asked as for a
// real proposal; of recipients about whom they would be told the same, once.
import type { ActionProposal, ConsentVerdict, Finding, Preflight, Verdict } from '@whence/sdk'
import type { z } from 'zod'
import type { PreflightRequest } from '@whence/sdk'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Subjects } from '../../record/subjects/subjects.ts'
import { scopeRefs } from '../../rules/actions/scope.ts'
import type { Foreseen, Judging } from './judging.ts'
import type { Pauses } from './pauses.ts'

type Request = z.output<typeof PreflightRequest>

/** Recipients looked at in one turn of the event loop. */
const TURN = 500

export async function preflight(
  {
    ledger,
    judging,
    pauses,
  }: {
    ledger: Ledger
    judging: Judging
    pauses: Pauses
  },
  campaign: string,
  { proposal, identifiers, subjects }: Request,
): Promise<Preflight> {
  const asOf = ledger.size
  const would: ActionProposal = { ...proposal, id: 'preflight', campaign }
  const type = proposal.subjectType ?? 'customer'
  const told: Preflight = {
    campaign,
    recipients: identifiers.length + subjects.length,
    ready: 0,
    withoutBasis: 0,
    objected: 0,
    capped: 0,
    held: 0,
    refused: 0,
    quarantined: 0,
    unknown: 0,
    erased: 0,
    repeated: 0,
    reasons: [],
    copy: [],
    asOf,
  }
  const reasons = new Map<string, Preflight['reasons'][number]>()
  const marked = new Map<string, Map<string, Finding>>()
  const quarantined = pauses.over(scopeRefs(would)) !== undefined
  const seen = new Set<string>()
  const asked = judging.asker(would)
  let looked = 0
  for (const id of everyone(ledger.subjects, type, identifiers, subjects)) {
    if (++looked % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    if (id === 'erased') {
      told.erased++
      continue
    }
    if (id !== undefined && seen.has(id)) {
      told.repeated++
      continue
    }
    if (id !== undefined) seen.add(id)
    const { verdicts, decision, consent } = await asked(id)
    if (decision === 'released') {
      if (quarantined) told.quarantined++
      else told.ready++
    } else count(told, decision, verdicts, consent)
    for (const { gate, outcome, shadow, findings } of verdicts) {
      if (outcome === 'pass' || shadow) continue
      const [first] = findings
      const key = `${gate} ${first?.code ?? ''}`
      const reason = reasons.get(key)
      if (reason) reason.recipients++
      else reasons.set(key, { gate, code: first?.code ?? '', message: first?.message ?? '', recipients: 1 })
      for (const finding of findings) {
        if (finding.part === undefined) continue
        const ofPart = marked.get(finding.part) ?? new Map<string, Finding>()
        marked.set(finding.part, ofPart.set(`${finding.code} ${finding.start} ${finding.end}`, finding))
      }
    }
  }
  told.reasons = [...reasons.values()].sort((a, b) => b.recipients - a.recipients)
  told.copy = (proposal.output?.copy ?? []).flatMap(({ part, text }) => {
    const findings = [...(marked.get(part)?.values() ?? [])]
    return findings.length === 0 ? [] : [{ part, marked: markedText(text, findings), findings }]
  })
  return told
}

function* everyone(
  subjects: Subjects,
  type: string,
  identifiers: readonly string[],
  ids: readonly string[],
): Generator<string | undefined> {
  for (const identifier of identifiers) yield subjects.idOf(type, identifier)
  for (const id of ids) yield subjects.isGone(id) ? 'erased' : id
}

function count(
  told: Preflight,
  decision: Foreseen['decision'],
  verdicts: readonly Verdict[],
  consent: ConsentVerdict,
): void {
  if (!consent.allowed) {
    told.withoutBasis++
    if (consent.code === 'unknown') told.unknown++
    else if (['withdrawn', 'refused', 'objected'].includes(consent.code)) told.objected++
  } else if (decision === 'held') told.held++
  else if (verdicts.some(({ kind, outcome, shadow }) => kind === 'cedar' && outcome === 'refuse' && !shadow))
    told.capped++
  else told.refused++
}

/** A text with each finding between ⟦ and ⟧; of findings that overlap the first is marked. */
function markedText(text: string, findings: readonly Finding[]): string {
  const spans = findings
    .flatMap(({ start, end }) => (start === undefined || end === undefined ? [] : [{ start, end }]))
    .sort((a, b) => a.start - b.start)
  let [marked, at] = ['', 0]
  for (const { start, end } of spans) {
    if (start < at) continue
    marked += `${text.slice(at, start)}⟦${text.slice(start, end)}⟧`
    at = end
  }
  return marked + text.slice(at)
}
