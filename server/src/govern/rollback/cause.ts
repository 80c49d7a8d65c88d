// From what was wrong to the decisions that it touched: the scopes that a pause would stop, and the condition under which
// an action belongs to them.
import type { ActionScope, Cause } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Micros } from '../../record/time.ts'
import { scopesOf, parseScope } from '../../rules/actions/scope.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import type { Actions } from '../../path/actions/actions.ts'
import { namesOf } from '../changes/impact.ts'
import type { Lineage } from '../changes/lineage.ts'

export interface CauseParts {
  ledger: Ledger
  database: Database
  actions: Actions
  lineage: Lineage
}

/** SQL over `action a`, with its parameters from $1 on. */
export interface Condition {
  readonly sql: string
  readonly params: readonly unknown[]
}

export interface Traced {
  /** In one sentence. */
  readonly says: string
  readonly scopes: readonly ActionScope[]
  readonly condition: Condition
  /** Versions of models whose predictions are concerned. */
  readonly models: readonly string[]
  /** What the cause itself says of the time from which on it counts. */
  readonly since?: Micros
}

/** Throws `not_found` and `invalid`. */
export async function trace(parts: CauseParts, { kind, name }: Cause): Promise<Traced> {
  const { ledger, actions, lineage } = parts
  switch (kind) {
    case 'agent':
    case 'campaign':
    case 'creative':
    case 'model':
    case 'prompt': {
      const scope: ActionScope = { kind, name }
      return {
        says: `the ${kind} ${name}`,
        scopes: [scope],
        condition: conditionOf([scope]),
        models: kind === 'model' ? await versionsOf(parts, name) : [],
      }
    }
    case 'action': {
      const seq = await actions.locate(name)
      return ofAction(ledger, seq, `the action ${name}`)
    }
    case 'outcome': {
      const seq = position(name, 'an outcome')
      const { rows } = await outcomeAction(parts, seq)
      return ofAction(ledger, rows, `the action that record ${seq} is about`)
    }
    case 'alarm': {
      const alarm = alarmOf(ledger, position(name, 'an alarm'))
      const scope: ActionScope = { kind: alarm.by, name: alarm.group }
      const since = await firstCounted(parts, alarm.counted.from)
      return {
        says: `the ${alarm.by} ${alarm.group} (alarm ${name} of the monitor ${alarm.monitor})`,
        scopes: [scope],
        condition: conditionOf([scope]),
        models: alarm.by === 'model' ? await versionsOf(parts, alarm.group) : [],
        ...(since === undefined ? {} : { since }),
      }
    }
    case 'gates':
      return underGates(parts, name)
    case 'view':
    case 'dataset': {
      const node = kind === 'view' && !name.startsWith('view:') ? `view:${name}` : name
      const reached = await lineage.impact({ node })
      const models = reached.models.map(({ model }) => model)
      const scopes = models.map((model): ActionScope => ({ kind: 'model', name: model }))
      const views = namesOf(reached.nodes?.map(({ id }) => id) ?? [], 'view').length
      return {
        says: `the ${kind} ${name}, which ${models.length} model versions${views > 0 ? ` and ${views} feature views` : ''} rest on`,
        scopes,
        condition: conditionOf(scopes),
        models,
      }
    }
  }
}

function ofAction(ledger: Ledger, seq: number, says: string): Traced {
  return {
    says,
    // What a pause would stop is wider than one action: whoever plans chooses the scope that they mean.
    scopes: scopesOf(ledger.entry(seq).refs)
      .map(parseScope)
      .filter(({ kind }) => kind === 'campaign'),
    condition: { sql: 'a.seq = $1', params: [BigInt(seq)] },
    models: [],
  }
}

/** What was judged while one version of a chain of gates was in force. */
async function underGates({ database, ledger }: CauseParts, name: string): Promise<Traced> {
  const match = /^(.+)@v(\d{1,9})$/.exec(name)
  if (!match) throw new Fault('invalid', `name the gates with their version: ${name}@v1`)
  const rows = await database.query<{ version: number; seq: bigint }>(
    "select version, seq from policy_version where kind = 'gates' and name = $1 and version in ($2, $3) order by version",
    [match[1], Number(match[2]), Number(match[2]) + 1],
  )
  const from = rows.find(({ version }) => version === Number(match[2]))
  if (!from) throw new Fault('not_found', `no gates are known as ${name}`)
  const next = rows.find(({ version }) => version > Number(match[2]))
  return {
    says: `the gates ${name}, in force from record ${from.seq}${next ? ` to ${next.seq}` : ' on'}`,
    scopes: [],
    condition: { sql: 'a.seq > $1 and a.seq < $2', params: [from.seq, next?.seq ?? BigInt(ledger.size)] },
    models: [],
  }
}

/** The actions of any of these scopes. */
function conditionOf(scopes: readonly ActionScope[]): Condition {
  const params: unknown[] = []
  const terms = scopes.map(({ kind, name }) => {
    const given = `$${params.push(kind === 'agent' ? `agent:${name}` : name)}`
    if (kind === 'agent') return `a.actor = ${given}`
    if (kind === 'campaign' || kind === 'creative') return `a.${kind} = ${given}`
    const versions = name.includes('@') ? undefined : `$${params.push(`${name}@`)}`
    const named = (column: string): string =>
      versions === undefined ? `${column} = ${given}` : `(${column} = ${given} or starts_with(${column}, ${versions}))`
    if (kind === 'prompt') return named('a.prompt')
    return `(${named('a.model')} or a.seq in (select action from action_rests r where ${named('r.model')}))`
  })
  return { sql: terms.length === 0 ? 'false' : `(${terms.join(' or ')})`, params }
}

async function outcomeAction({ database }: CauseParts, seq: number): Promise<{ rows: number }> {
  const [row] = await database.query<{ action: bigint | null }>('select action from outcome where seq = $1', [
    BigInt(seq),
  ])
  if (!row) throw new Fault('not_found', `record ${seq} is no outcome`)
  if (row.action === null) throw new Fault('conflict', `the outcome in record ${seq} is tied to no action`)
  return { rows: Number(row.action) }
}

/** When the first message that an alarm counted was decided: what it is heard of by comes later. */
async function firstCounted({ ledger, database }: CauseParts, seq: number): Promise<Micros | undefined> {
  const said = ledger.entry(seq).refs.action
  const [row] =
    said === undefined
      ? await database.query<{ action: bigint | null }>('select action from outcome where seq = $1', [BigInt(seq)])
      : [{ action: BigInt(said) }]
  const action = row?.action ?? undefined
  return action === undefined ? undefined : parseTime(ledger.entry(Number(action)).recorded)
}

/** A version, or all versions of a model: predictions name theirs. */
async function versionsOf({ database }: CauseParts, name: string): Promise<string[]> {
  if (name.includes('@')) return [name]
  const rows = await database.query<{ version: number }>('select version from model_version where name = $1', [name])
  return rows.map(({ version }) => `${name}@${version}`)
}

interface AlarmSaid {
  monitor: string
  by: ActionScope['kind']
  group: string
  sentence: string
  counted: { from: number }
}

/** Throws `not_found`. */
export function alarmOf(ledger: Ledger, seq: number): AlarmSaid {
  if (seq >= ledger.size || kindOf(ledger.entry(seq)) !== 'alarm')
    throw new Fault('not_found', `record ${seq} is no alarm; whence monitors alarms lists them`)
  const opened = ledger.open(seq)
  if (opened.state !== 'open') throw new Fault('not_found', `the alarm in record ${seq} can no longer be read`)
  return JSON.parse(Buffer.from(opened.content).toString('utf8')) as AlarmSaid
}

function position(name: string, what: string): number {
  if (!/^\d{1,15}$/.test(name)) throw new Fault('invalid', `name ${what} by the number of its record, not "${name}"`)
  return Number(name)
}
