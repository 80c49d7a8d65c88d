// A corrected configuration: which model version should have scored a prediction, and which feature view should have
// given its inputs. Said by whoever asks, or by the plan of a rollback.
import type { RollbackPlan } from '@whence/sdk'
import { Fault } from '../../fault.ts'

export interface Correction {
  /** The version that should have scored what `name@N` did; undefined: none is said. */
  modelFor(version: string): string | undefined
  /** The version of the view that should have given what `name@vN` gave; undefined: none is said. */
  viewFor(version: string | undefined): string | undefined
  /** All of it, in words. */
  readonly under: readonly string[]
  /** Views that it may name: they must be known before anything is computed. */
  readonly views: readonly string[]
  /** Versions that it takes out of use. */
  readonly replaced: readonly string[]
}

/** As somebody asks for it. With a model as well, the view is taken for predictions that had their inputs from another. */
export function saidCorrection({ model, view }: { model?: string; view?: string }): Correction {
  if (model === undefined && view === undefined)
    throw new Fault('invalid', 'say what is corrected: "model" (name@N), "view" (name@vN), or both')
  const name = view === undefined ? undefined : viewName(view)
  return {
    modelFor: () => model,
    viewFor: (version) =>
      view !== undefined && (model !== undefined || (version !== undefined && viewName(version) === name))
        ? view
        : undefined,
    under: [model, view].filter((one) => one !== undefined),
    views: view === undefined ? [] : [view],
    replaced: [],
  }
}

/** What the plan of a rollback goes back to. Throws `invalid` where that is neither a model version nor a view. */
export function plannedCorrection({ steps }: RollbackPlan): Correction {
  const exact = new Map<string, string>()
  const byName = new Map<string, Set<string>>()
  const views = new Map<string, string>()
  for (const step of steps) {
    if (step.do === 'alias' && step.to !== null) {
      const to = `${step.model}@${step.to}`
      if (step.from !== null) exact.set(`${step.model}@${step.from}`, to)
      byName.set(step.model, (byName.get(step.model) ?? new Set()).add(to))
    } else if (step.do === 'declaration' && step.kind === 'view') views.set(step.name, `${step.name}@${step.version}`)
  }
  if (byName.size + views.size === 0)
    throw new Fault(
      'invalid',
      'this rollback went back to no model version and no feature view: say which should have been used ("model", "view")',
    )
  return {
    modelFor(version) {
      const own = exact.get(version)
      if (own !== undefined) return own
      // Two aliases of one model may have gone back to different versions: then nothing is said of a third.
      const all = byName.get(version.slice(0, version.lastIndexOf('@')))
      return all?.size === 1 ? [...all][0] : undefined
    },
    viewFor: (version) => (version === undefined ? undefined : views.get(viewName(version))),
    under: [...new Set([...byName.values()].flatMap((all) => [...all])), ...views.values()],
    views: [...views.values()],
    replaced: [...exact.keys()],
  }
}

function viewName(version: string): string {
  return version.replace(/@v?\d+$/, '')
}
