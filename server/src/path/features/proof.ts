// Held against each other: the columns that we read out of a feature's expression, and those that the engine finds it
// cannot do without. Two ways that share nothing; where they agree an edge is verified.
import type { EmptyTable, Prover } from '../../store/prover.ts'
import { identifier } from '../../store/columns.ts'
import type { CompiledView } from './compiled.ts'
import { eventFields } from './events.ts'
import type { ColumnUse } from './uses.ts'

/**
 * `verified`: both ways give the column. `conservative`: we find it in the expression, and the engine proves that it does
 * not decide the value. `unverified`: only the engine finds it, or there is no proof.
 */
export type Basis = 'verified' | 'conservative' | 'unverified'

export interface ProvenUse extends ColumnUse {
  readonly basis: Basis
}

/** For each feature the columns of its stream that its value needs, in lower case, by the names that a contract has. */
export async function provenColumns(prover: Prover, compiled: CompiledView): Promise<Map<string, Set<string>>> {
  const tables = compiled.sources.map(({ stream, columns }, index): EmptyTable => ({
    name: `events${index}`,
    columns: eventFields(stream, columns),
  }))
  const relation = (stream: string): string =>
    identifier(tables[compiled.sources.findIndex((source) => source.stream === stream)]!.name)
  const snapshot = compiled.snapshot(relation, 0, 1)
  const needed = await prover.needed(
    tables,
    compiled.features.map(({ name }) => `SELECT ${identifier(name)} FROM (${snapshot})`),
  )
  return new Map(
    compiled.features.map(({ name, source }, index) => {
      const table = tables[compiled.sources.findIndex(({ stream }) => stream === source)]!.name
      const columns = [...(needed[index]!.get(table) ?? [])]
      return [name, new Set(columns.filter(ofContract).map((column) => column.replace(/^field\./i, '').toLowerCase()))]
    }),
  )
}

/** Position and time of knowing are ours, and every feature depends on both: they are no columns of a contract. */
function ofContract(column: string): boolean {
  return column !== 'seq' && column !== 'known'
}

/** Labels the uses of a feature; those that only the proof has are added, as what nobody can say the purpose of. */
export function heldAgainst(uses: readonly ColumnUse[], proven: ReadonlySet<string> | undefined): ProvenUse[] {
  if (!proven) return uses.map((use) => ({ ...use, basis: 'unverified' }))
  const read = new Set(uses.map(({ column }) => column))
  return [
    ...uses.map((use): ProvenUse => ({ ...use, basis: proven.has(use.column) ? 'verified' : 'conservative' })),
    ...[...proven]
      .filter((column) => !read.has(column))
      .map((column): ProvenUse => ({ column, purpose: 'condition', basis: 'unverified' })),
  ]
}
