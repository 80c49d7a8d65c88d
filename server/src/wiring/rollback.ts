// Rollbacks, with all that they may touch.
import type { Actions } from '../path/actions/actions.ts'
import { Connectors } from '../path/actions/connectors/connectors.ts'
import type { Pauses } from '../path/actions/pauses.ts'
import type { Aliases } from '../path/models/aliases.ts'
import type { PredictionBatches } from '../path/predictions/batches/batches.ts'
import { Fault } from '../fault.ts'
import { Lineage } from '../govern/changes/lineage.ts'
import type { Planner } from '../govern/changes/plan.ts'
import { AutomaticRollbacks } from '../govern/rollback/automatic.ts'
import { Rollbacks } from '../govern/rollback/rollbacks.ts'
import type { RollbackParts } from '../govern/rollback/rollbacks.ts'
import type { LineageGraph } from '../record/lineage/graph.ts'
import type { Standing } from '../rules/consent/verdict.ts'
import type { Outside } from '../store/connectors/rehearsal.ts'
import type { Policies } from './policies.ts'
import type { Recorded } from './record.ts'

export function wireRollback(
  parts: Recorded & {
    policies: Policies
    standing: Standing
    graph: LineageGraph
    batches: PredictionBatches
    actions: Actions
    pauses: Pauses
    aliases: Aliases
    planner: Planner
    /** Of connected systems, by the names of the environment's variables that hold them. */
    secrets: Readonly<Record<string, string>>
    outside: Outside
  },
): { connectors: Connectors; rollbacks: Rollbacks; scoping: RollbackParts; automatic: AutomaticRollbacks } {
  const { ledger, follower, database, clock, standing, graph, batches, actions, pauses, aliases, planner, outside } =
    parts
  const { playbooks } = parts.policies
  const connectors = new Connectors({
    ledger,
    clock,
    book: parts.policies.connectors,
    secrets: parts.secrets,
    system: outside.system?.bind(outside),
  })
  const scoping: RollbackParts = {
    ledger,
    follower,
    database,
    batches,
    clock,
    standing,
    actions,
    pauses,
    aliases,
    planner,
    lineage: new Lineage({ graph, database, follower, clock, batches }),
    async owning(object) {
      const owning = await connectors.owning(object)
      return owning.state === 'owned' ? owning.connector : undefined
    },
    async playbook(name) {
      const all = await playbooks.inForce(ledger.size)
      const found = all.find(({ policy }) => policy.name === name)
      if (!found) throw new Fault('not_found', `no playbook ${name} is in force; apply its file (whence apply)`)
      return found.policy
    },
    async declared(kind, name, asOf) {
      await follower.reach(kind)
      const [row] = await database.query<{ version: number; body: string }>(
        kind === 'view'
          ? 'select version, body from feature_view where name = $2 and $1 = $1 and seq < $3 order by version desc limit 1'
          : `select version, body from policy_version where kind = $1 and name = $2 and seq < $3
             order by version desc limit 1`,
        [kind, name, BigInt(asOf)],
      )
      return row && { version: `v${row.version}`, text: row.body }
    },
    async post(url, body) {
      const answer = await outside.post({ url, body: JSON.stringify(body), timeoutMs: 10_000, mostBytes: 65_536 })
      if ('failure' in answer) throw new Fault('unavailable', `nobody could be told: ${answer.reason}`)
      if (answer.status >= 300) throw new Fault('unavailable', `nobody could be told: it answered ${answer.status}`)
    },
  }
  const rollbacks = new Rollbacks(scoping)
  const automatic = new AutomaticRollbacks({
    ledger,
    follower,
    database,
    rollbacks,
    playbooks: async () => (await playbooks.inForce(ledger.size)).map(({ policy }) => policy),
  })
  return { connectors, rollbacks, scoping, automatic }
}
