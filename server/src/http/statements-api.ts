// Agents and approvers over HTTP.
import type { Agents } from '../path/actions/agents.ts'
import type { Handlers } from './handlers.ts'

export function statementHandlers(agents: Agents): Pick<Handlers, 'agents' | 'agent'> {
  return {
    agents: ({ query }) => agents.list(query.asOf),
    agent: ({ path, query }) => agents.get(path.name!, query.asOf),
  }
}
