// What a rollback would do, step by step, and what it cannot undo. Its id is the digest of all of it: what is applied is
// worked out again, and must have the same id.
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import type { RollbackPlan, RollbackRequest, RollbackScope, RollbackStep } from '@whence/sdk'
import { RollbackRequest as Request } from '@whence/sdk'
import { hash } from 'node:crypto'
import type { z } from 'zod'
import { Fault } from '../../fault.ts'
import type { ConnectedObject, Connector } from '../../rules/connectors/connector.ts'
import type { Playbook } from '../../rules/playbooks/playbook.ts'
import { openAction } from '../../path/actions/recorded.ts'
import type { Aliases } from '../../path/models/aliases.ts'
import { bounded, scopeOf } from './scope.ts'
import type { Bounded, ScopeParts } from './scope.ts'

export interface PlanParts extends ScopeParts {
  aliases: Aliases
  /** The connected system that owns something. */
  owning(object: ConnectedObject): Promise<Connector | undefined>
  /** Throws `not_found`. */
  playbook(name: string): Promise<Playbook>
  /** The text of a declaration that was in force as of a position. */
  declared(kind: string, name: string, asOf: number): Promise<{ version: string; text: string } | undefined>
}

type Asked = z.output<typeof Request>

/** Nothing is recorded. Throws `not_found` and `invalid`. */
export async function planRollback(parts: PlanParts, request: RollbackRequest): Promise<RollbackPlan> {
  const asked = Request.parse(request)
  const scope = await scopeOf(parts, asked)
  const found = await bounded(parts, asked)
  const playbook = asked.playbook === undefined ? undefined : await parts.playbook(asked.playbook)
  const steps: RollbackStep[] = []
  const cannot: string[] = []
  if (asked.degrees.includes('pause')) await addPauses(parts, scope, steps, cannot)
  if (asked.degrees.includes('revert'))
    await addReverts(parts, asked.revert ?? playbook?.revert, found, scope, steps, cannot)
  if (asked.degrees.includes('compensate')) addCompensation(asked, scope, steps, cannot, playbook)
  for (const { who, url } of playbook?.tell ?? [])
    steps.push({ do: 'tell', who, ...(url === undefined ? {} : { url }) })
  addLosses(scope, asked, cannot)
  const plan = {
    reason: asked.reason,
    degrees: asked.degrees,
    scope,
    steps,
    cannot,
    follows: [...(playbook?.follows ?? [])],
  }
  const id = idOf(asked, plan)
  return { id, ...plan, steps: steps.map((step) => (step.do === 'compensate' ? named(step, id) : step)) }
}

/**
 * A pause stops what comes, so nothing that moves by itself is in its id: of a plan that takes back or makes good, the
 * people and messages that it concerns are.
 */
function idOf(asked: Asked, { scope, steps, ...rest }: Omit<RollbackPlan, 'id'>): string {
  const { groups, people, cause, scopes, since, until } = scope
  const fixed = asked.degrees.some((degree) => degree !== 'pause')
  return hash(
    'sha256',
    canonicalize(
      JSON.parse(
        JSON.stringify({
          ...rest,
          cannot: fixed ? rest.cannot : [],
          steps,
          scope: { cause, scopes, since, until, ...(fixed ? { groups, people } : {}) },
        }),
      ) as Json,
    ),
  )
}

async function addPauses(
  { owning }: PlanParts,
  { scopes, says, campaigns }: RollbackScope,
  steps: RollbackStep[],
  cannot: string[],
): Promise<void> {
  for (const scope of scopes) steps.push({ do: 'pause', scope })
  if (scopes.length === 0) cannot.push(`${says}: there is nothing by which it could be paused; pause its campaigns`)
  const named = scopes.flatMap(({ kind, name }) => (kind === 'campaign' ? [name] : []))
  for (const campaign of new Set([...named, ...campaigns.map((one) => one.campaign)])) {
    const connector = await owning({ kind: 'campaign', id: campaign })
    if (connector) steps.push({ do: 'pause in system', connector: connector.name, campaign })
  }
}

async function addReverts(
  parts: PlanParts,
  revert: Asked['revert'],
  found: Bounded,
  scope: RollbackScope,
  steps: RollbackStep[],
  cannot: string[],
): Promise<void> {
  const position = revert?.to ?? scope.first?.seq ?? found.asOf
  for (const one of scope.scopes) {
    const queued = scope.groups.find(({ state }) => state === 'queued')?.actions ?? 0
    steps.push({ do: 'take back', scope: one, queued })
  }
  for (const { model, alias, environment } of revert?.aliases ?? []) {
    const { now, then } = await parts.aliases.around(model, { alias, environment }, position)
    if (now === then) cannot.push(`${model}@${alias} in ${environment} pointed at the same version then`)
    else steps.push({ do: 'alias', model, alias, environment, from: now, to: then })
  }
  for (const { kind, name } of revert?.declarations ?? []) {
    const then = await parts.declared(kind, name, position)
    if (then) steps.push({ do: 'declaration', kind, name, ...then })
    else cannot.push(`no ${kind} ${name} was in force at position ${position}`)
  }
  for (const object of revert?.objects ?? []) {
    const place = { kind: object.kind, id: object.id }
    const connector = await parts.owning(place)
    if (!connector) {
      cannot.push(`no connected system owns the ${object.kind} ${object.id}: its file would say who does`)
      continue
    }
    const target = object.to === undefined ? await decidedBefore(parts, place, position) : { value: object.to }
    if (!target) {
      cannot.push(
        `nothing on record says what the ${object.kind} ${object.id} was before position ${position}: give "to"`,
      )
      continue
    }
    const reading = await connector.read(place)
    if (reading.state !== 'answered')
      cannot.push(`${connector.name} does not say what the ${object.kind} ${object.id} is: ${reading.detail}`)
    else if (same(reading.value, target.value)) cannot.push(`the ${object.kind} ${object.id} is what it was already`)
    else
      steps.push({
        do: 'write',
        connector: connector.name,
        object: place,
        from: reading.value ?? null,
        to: target.value,
      })
  }
}

/** What the last action before a position decided for some state of a campaign: `output.value`, by the kind of it. */
async function decidedBefore(
  { database, ledger }: PlanParts,
  { kind, id }: ConnectedObject,
  position: number,
): Promise<{ value: unknown } | undefined> {
  for (let before = BigInt(position); ;) {
    const rows = await database.query<{ seq: bigint }>(
      `select seq from action where campaign = $1 and type <> 'send' and not shadow and seq < $2
         and state in ('queued', 'claimed', 'sent') order by seq desc limit 100`,
      [id, before],
    )
    for (const { seq } of rows) {
      const value = openAction(ledger, Number(seq))?.proposal.output?.value
      if (value !== undefined && Object.hasOwn(value, kind)) return { value: value[kind] }
    }
    if (rows.length < 100) return undefined
    before = rows.at(-1)!.seq
  }
}

function addCompensation(
  { compensate }: Asked,
  scope: RollbackScope,
  steps: RollbackStep[],
  cannot: string[],
  playbook: Playbook | undefined,
): void {
  const template = compensate ?? playbook?.compensate
  if (!template) throw new Fault('invalid', 'say what people are to read: "compensate", or a playbook that has it')
  const people = scope.groups.find(({ state }) => state === 'sent')?.people ?? 0
  if (people === 0) cannot.push('nothing was sent: nobody is to be written to')
  else
    steps.push({
      do: 'compensate',
      people,
      purpose: template.purpose,
      channel: template.channel,
      campaign: template.campaign ?? '',
      copy: template.copy,
    })
}

function named(step: Extract<RollbackStep, { do: 'compensate' }>, id: string): RollbackStep {
  return step.campaign === '' ? { ...step, campaign: `rollback-${id.slice(0, 12)}` } : step
}

/** What stays as it is, whatever is done. */
function addLosses({ groups, outcomes, consent }: RollbackScope, { degrees }: Asked, cannot: string[]): void {
  const of = (state: string): number => groups.find((one) => one.state === state)?.actions ?? 0
  const sent = of('sent')
  if (sent > 0)
    cannot.push(`${sent} were sent: they cannot be unsent${degrees.includes('compensate') ? ', only made good' : ''}`)
  const seen = outcomes.opened?.people ?? 0
  if (seen > 0) cannot.push(`${seen} people have opened one`)
  const acted = Math.max(outcomes.clicked?.people ?? 0, outcomes.converted?.people ?? 0)
  if (acted > 0) cannot.push(`${acted} people have acted on one`)
  if (of('claimed') > 0)
    cannot.push(`${of('claimed')} are with a sender: whether they went out is known when it says so`)
  if (of('erased') > 0)
    cannot.push(`${of('erased')} concern people who were erased: nobody knows any more who they are`)
  if (consent.ended > 0 && degrees.includes('compensate'))
    cannot.push(
      `${consent.ended} people who were reached may not be written to for that any more: gates decide what they still get`,
    )
}

function same(a: unknown, b: unknown): boolean {
  return canonicalize((a ?? null) as Json) === canonicalize((b ?? null) as Json)
}
