// Who may do what. A verdict over a key that was handed in.
import type { Scope } from '@whence/sdk'

/** Who asks, once the key is known. `id` is the actor of every record; `source` is what its records name as theirs. */
export interface Caller {
  readonly id: string
  readonly name: string
  readonly source: string
  readonly scopes: readonly Scope[]
  /** Its OpenLineage events must keep to the specification. */
  readonly strict?: boolean
  /** Only actions of this agent may be proposed with it. */
  readonly agent?: string
}

/** An admin key may do everything but read chains of thought; the others what their scopes say. */
export function permits(caller: Caller, scope: Scope): boolean {
  return caller.scopes.includes(scope) || (scope !== 'reasoning' && caller.scopes.includes('admin'))
}

/** Whether actions of this actor may be proposed: with the key of an agent its own and nobody else's, whatever its scopes. */
export function mayActAs({ agent }: Caller, actor: { readonly type: string; readonly id: string }): boolean {
  return agent === undefined || (actor.type === 'agent' && actor.id === agent)
}

/** The source of a record: the key's own, or for an admin the one that the request states; undefined for anyone else's. */
export function sourceOf(caller: Caller, stated: string | undefined): string | undefined {
  if (stated === undefined || stated === caller.source) return caller.source
  return permits(caller, 'admin') ? stated : undefined
}
