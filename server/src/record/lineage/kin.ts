// What stands beside a node without data flowing: its other names, and the jobs that a job belongs to or waits for.
import type { Kin } from './answers.ts'
import type { NamedNode, Names } from './names.ts'
import { aliasesOf } from './walk.ts'

export function kinOf(names: Names, node: NamedNode, asOf: number): Kin {
  const whole = node.owner ?? node.number
  const idOf = (number: number): string => names.nodes[number]!.id
  const jobs: { id: string; how: Kin['jobs'][number]['how'] }[] = []
  for (const [edges, far, ways] of [
    [names.in[whole], 'source', { parent: 'parent', before: 'before' }],
    [names.out[whole], 'target', { parent: 'child', before: 'after' }],
  ] as const) {
    for (const edge of edges ?? []) {
      const { how, [far]: other } = names.edges[edge]!
      if ((how === 'parent' || how === 'before') && names.holds(edge, asOf))
        jobs.push({ id: idOf(other), how: ways[how] })
    }
  }
  return {
    names: aliasesOf(names, whole, asOf)
      .filter((alias) => alias !== whole)
      .map(idOf)
      .toSorted(),
    jobs: jobs.toSorted((a, b) => compare(a.how, b.how) || compare(a.id, b.id)),
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
