// By what messages are counted, as the refs of an action's record tell it. An agent goes by its own name.
import type { Groups } from './observation.ts'

export function groupsOf({ campaign, creative, model, prompt, actor }: Readonly<Record<string, string>>): Groups {
  const agent = actor?.startsWith('agent:') ? actor.slice('agent:'.length) : undefined
  return Object.fromEntries(
    Object.entries({ campaign, creative, model, prompt, agent }).filter(([, name]) => name !== undefined),
  )
}
