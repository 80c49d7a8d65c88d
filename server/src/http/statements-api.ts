// Agents and approvers over HTTP; what was signed of an action, and its views.
import type { statementsEndpoints } from '@whence/sdk'
import { actionEnvelopes } from '../path/actions/exports/envelopes.ts'
import { actionOpenLineage } from '../path/actions/exports/openlineage.ts'
import { actionProv } from '../path/actions/exports/prov.ts'
import { viewOf } from '../path/actions/exports/view-of.ts'
import type { ViewParts } from '../path/actions/exports/view-of.ts'
import type { Handlers } from './handlers.ts'

export function statementHandlers(parts: ViewParts): Pick<Handlers, keyof typeof statementsEndpoints> {
  const { agents, ledger } = parts
  return {
    agents: ({ query }) => agents.list(query.asOf),
    agent: ({ path, query }) => agents.get(path.name!, query.asOf),
    async actionStatement({ path }) {
      const view = await viewOf(parts, path.id!)
      const [{ name }] = view.statement.subject
      return { action: name, seq: view.seq, versions: actionEnvelopes(view) }
    },
    actionProv: async ({ path }) => JSON.parse(actionProv(await viewOf(parts, path.id!))) as Record<string, unknown>,
    actionOpenLineage: async ({ path }) => ({ ...actionOpenLineage(await viewOf(parts, path.id!), ledger.origin) }),
  }
}
