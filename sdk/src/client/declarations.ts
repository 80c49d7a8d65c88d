// Contracts, views and policies: what is in force, and what a change would do.
import type { Applied, ContractInfo, ViewInfo } from '../declarations.ts'
import type { ApplyRequest, Plan, PlanRequest } from '../plans.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class DeclarationCalls extends Calls {
  /** What applying these files would change. It changes nothing. */
  plan(request: PlanRequest): Promise<Plan> {
    return this.transport.json(endpoints.plan, { body: json(request) })
  }

  /**
   * Puts contracts, feature views and policies into force. All or none: one file that does not parse refuses them all.
   * With `plan`, throws `conflict` when something else was applied since, or the files are not those that were planned.
   */
  apply(request: ApplyRequest): Promise<Applied> {
    return this.transport.json(endpoints.apply, { body: json(request) })
  }

  contract(stream: string): Promise<ContractInfo> {
    return this.transport.json(endpoints.contract, { path: { stream } })
  }

  /** A feature view by `name` (the newest version) or `name@vN`. */
  view(name: string): Promise<ViewInfo> {
    return this.transport.json(endpoints.view, { path: { name } })
  }
}
