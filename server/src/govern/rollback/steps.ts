// The steps of a rollback. Each may be done twice and has then been done once.
import type { ActionProposal, RollbackPlan, RollbackStep } from '@whence/sdk'
import { ActionProposal as Proposal } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Actions } from '../../path/actions/actions.ts'
import type { Pauses } from '../../path/actions/pauses.ts'
import type { Aliases } from '../../path/models/aliases.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { ConnectedObject, Connector } from '../../rules/connectors/connector.ts'
import type { Planner } from '../changes/plan.ts'
import { ROLLBACK_ACTOR } from './scope.ts'

export interface StepParts {
  pauses: Pauses
  actions: Actions
  aliases: Aliases
  planner: Planner
  owning(object: ConnectedObject): Promise<Connector | undefined>
  /** Posts JSON. Throws `unavailable` when nobody took it. */
  post(url: string, body: object): Promise<void>
  /** What was sent in the scope, as it was proposed, of each person the first. */
  sent(): AsyncGenerator<ActionProposal[]>
}

export interface Done {
  readonly state: 'done' | 'failed'
  /** One sentence. */
  readonly says: string
  readonly detail: Record<string, unknown>
}

type Of<Do extends RollbackStep['do']> = Extract<RollbackStep, { do: Do }>

/** Throws a `Fault` when it could not be done; it may be tried again. */
export function runStep(parts: StepParts, plan: RollbackPlan, n: number, caller: Caller): Promise<Done> {
  const step = plan.steps[n]!
  switch (step.do) {
    case 'pause':
      return pause(parts, step, plan, caller)
    case 'pause in system':
      return pauseInSystem(parts, step)
    case 'take back':
      return takeBack(parts, step, plan, n, caller)
    case 'alias':
      return alias(parts, step, plan, caller)
    case 'declaration':
      return declaration(parts, step, caller)
    case 'write':
      return write(parts, step)
    case 'compensate':
      return compensate(parts, step, plan, caller)
    case 'tell':
      return tell(parts, step, plan)
  }
}

async function pause({ pauses }: StepParts, { scope }: Of<'pause'>, plan: RollbackPlan, caller: Caller): Promise<Done> {
  const { seq, quarantined, claimed } = await pauses.set({ ...scope, reason: reasonOf(plan) }, true, caller)
  return done(`the ${scope.kind} ${scope.name} is paused: ${quarantined} queued wait, ${claimed} are with a sender`, {
    record: seq,
    quarantined,
    claimed,
  })
}

async function pauseInSystem(
  { owning }: StepParts,
  { connector: name, campaign }: Of<'pause in system'>,
): Promise<Done> {
  const connector = await owner(owning, { kind: 'campaign', id: campaign }, name)
  const { state, detail, counts, settled, asked } = await connector.pause(campaign)
  return {
    state: state === 'confirmed' ? 'done' : 'failed',
    says: `${name}, asked to pause ${campaign}: ${state}. ${detail}`,
    detail: {
      confirmation: state,
      asked,
      ...(counts ? { counts } : {}),
      ...(settled === undefined ? {} : { settled }),
    },
  }
}

async function takeBack(
  { pauses }: StepParts,
  { scope }: Of<'take back'>,
  plan: RollbackPlan,
  n: number,
  caller: Caller,
): Promise<Done> {
  const { recalled, claimed, receipt } = await pauses.recall(
    scope,
    { id: `${plan.id}#${n}`, reason: reasonOf(plan) },
    caller,
  )
  return done(`${recalled} queued were taken back${claimed > 0 ? `; ${claimed} are with a sender` : ''}`, {
    record: receipt.seq,
    recalled,
    claimed,
  })
}

async function alias(
  { aliases }: StepParts,
  { model, alias: name, environment, from, to }: Of<'alias'>,
  plan: RollbackPlan,
  caller: Caller,
): Promise<Done> {
  const { now } = await aliases.around(model, { alias: name, environment }, 0)
  if (now === to) return done(`${model}@${name} points at version ${to ?? 'none'} already`, { already: true })
  const set = await aliases.set(
    model,
    name,
    { environment, version: to, expected: from, reason: reasonOf(plan) },
    caller,
  )
  return done(`${model}@${name} points at version ${to ?? 'none'} again, not ${from ?? 'none'}`, { record: set.seq })
}

async function declaration(
  { planner }: StepParts,
  { kind, name, version, text }: Of<'declaration'>,
  caller: Caller,
): Promise<Done> {
  const { applied } = await planner.apply({ files: [{ path: `${kind}/${name}.yaml`, text }] }, caller)
  return applied.length === 0
    ? done(`the ${kind} ${name} is what it was in ${version} already`, { already: true })
    : done(`the ${kind} ${name} says again what it said in ${version}`, {
        applied: applied.map((one) => ({ kind: one.kind, name: one.name, version: one.version })),
      })
}

async function write({ owning }: StepParts, { connector: name, object, from, to }: Of<'write'>): Promise<Done> {
  const connector = await owner(owning, object, name)
  const { state, detail, before, after, asked } = await connector.write(object, to, from)
  return {
    state: state === 'confirmed' ? 'done' : 'failed',
    says: `${name}, asked to set the ${object.kind} ${object.id}: ${state}. ${detail}`,
    detail: {
      confirmation: state,
      asked,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    },
  }
}

/** A message to everybody whom something was sent to, by the gates like any other. */
async function compensate(
  { actions, sent }: StepParts,
  { purpose, channel, campaign, copy }: Of<'compensate'>,
  plan: RollbackPlan,
  caller: Caller,
): Promise<Done> {
  const counts = { released: 0, held: 0, refused: 0, erased: 0 }
  const why = new Map<string, number>()
  for await (const originals of sent()) {
    const { results } = await actions.proposeAll(
      originals.map(({ id, entity, subject, subjectType, environment, address, jurisdiction }) =>
        Proposal.parse({
          id: `${plan.id.slice(0, 16)}:${id}`,
          type: 'send',
          actor: { type: 'service', id: ROLLBACK_ACTOR },
          environment,
          campaign,
          channel,
          purpose,
          output: { copy },
          inputs: { refs: [`action:${id}`] },
          ...(entity === undefined ? { subject } : { entity, ...(subjectType === undefined ? {} : { subjectType }) }),
          ...(address === undefined ? {} : { address }),
          ...(jurisdiction === undefined ? {} : { jurisdiction }),
        }),
      ),
      caller,
    )
    for (const result of results) {
      if ('problem' in result) {
        if (result.problem.code !== 'erased') throw new Fault('invalid', result.problem.message)
        counts.erased++
        continue
      }
      counts[result.decision]++
      if (result.decision !== 'released') why.set(result.reason, (why.get(result.reason) ?? 0) + 1)
    }
  }
  return done(`${counts.released} were written to, ${counts.held} are held, ${counts.refused} refused by the gates`, {
    ...counts,
    campaign,
    why: [...why]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 20)
      .map(([reason, people]) => ({ reason, people })),
  })
}

async function tell({ post }: StepParts, { who, url }: Of<'tell'>, plan: RollbackPlan): Promise<Done> {
  if (url === undefined) return done(`${who} is to be told: nothing is posted`, { posted: false })
  const { id, reason, degrees, scope } = plan
  await post(url, {
    rollback: id,
    reason,
    degrees,
    says: scope.says,
    actions: scope.actions,
    people: scope.people,
    groups: scope.groups,
  })
  return done(`${who} was told`, { posted: true })
}

/** The owner as it is now; another than the plan named is not asked. */
async function owner(owning: StepParts['owning'], object: ConnectedObject, name: string): Promise<Connector> {
  const connector = await owning(object)
  if (connector?.name !== name)
    throw new Fault(
      'conflict',
      `the ${object.kind} ${object.id} was owned by ${name} when this was planned, and is not now`,
    )
  return connector
}

function reasonOf({ reason, id }: RollbackPlan): string {
  return `${reason} (rollback ${id.slice(0, 12)})`
}

function done(says: string, detail: Record<string, unknown>): Done {
  return { state: 'done', says, detail }
}
