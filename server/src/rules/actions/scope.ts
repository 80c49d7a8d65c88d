// What actions have in common, and by which they are stopped, as the refs of their records tell it.
import type { ActionProposal, ActionScope } from '@whence/sdk'

export type ScopeKey = `${ActionScope['kind']}:${string}`

export function scopeKey({ kind, name }: ActionScope): ScopeKey {
  return `${kind}:${name}`
}

export function parseScope(key: string): ActionScope {
  const colon = key.indexOf(':')
  return { kind: key.slice(0, colon) as ActionScope['kind'], name: key.slice(colon + 1) }
}

/** The refs of a proposal that name its scopes. */
export function scopeRefs(
  {
    actor,
    campaign,
    creative,
    model,
    prompt,
  }: Pick<ActionProposal, 'actor' | 'campaign' | 'creative' | 'model' | 'prompt'>,
  rests: readonly string[] = [],
): Record<string, string> {
  const versioned = (name: string, version: string | undefined): string =>
    version === undefined ? name : `${name}@${version}`
  return {
    actor: `${actor.type}:${actor.id}`,
    ...(campaign === undefined ? {} : { campaign }),
    ...(creative === undefined ? {} : { creative }),
    ...(model === undefined ? {} : { model: versioned(model.name, model.version) }),
    ...(prompt?.template === undefined ? {} : { prompt: versioned(prompt.template, prompt.version) }),
    ...(rests.length === 0 ? {} : { rests: JSON.stringify(rests) }),
  }
}

/** Every scope that an action is in: of a model or prompt the version, and all versions. */
export function scopesOf(refs: Readonly<Record<string, string>>): ScopeKey[] {
  const keys: ScopeKey[] = []
  if (refs.actor?.startsWith('agent:')) keys.push(`agent:${refs.actor.slice('agent:'.length)}`)
  if (refs.campaign !== undefined) keys.push(`campaign:${refs.campaign}`)
  if (refs.creative !== undefined) keys.push(`creative:${refs.creative}`)
  for (const model of new Set([...(refs.model === undefined ? [] : [refs.model]), ...restsOn(refs)]))
    keys.push(...versions('model', model))
  if (refs.prompt !== undefined) keys.push(...versions('prompt', refs.prompt))
  return [...new Set(keys)]
}

/** Versions of models whose predictions an action was made from. */
export function restsOn(refs: Readonly<Record<string, string>>): string[] {
  return refs.rests === undefined ? [] : (JSON.parse(refs.rests) as string[])
}

function versions(kind: 'model' | 'prompt', name: string): ScopeKey[] {
  const at = name.lastIndexOf('@')
  return at > 0 ? [`${kind}:${name}`, `${kind}:${name.slice(0, at)}`] : [`${kind}:${name}`]
}
