// Two training sets held against each other: which rows and columns differ, and why, by what their records say.
import type { TrainingComparison, TrainingDifference } from '@whence/sdk'
import { join } from 'node:path'
import { identifier, quote } from '../../store/columns.ts'
import type { DerivedFiles } from './derived-files.ts'
import { refuseAltered } from './derived-files.ts'
import { featuresOf, viewsOf } from './set-record.ts'
import type { RecordedSet } from './set-record.ts'
import type { TrainingSets } from './training-sets.ts'

export async function compareSets(
  { derived, sets }: { derived: DerivedFiles; sets: TrainingSets },
  idA: string,
  idB: string,
): Promise<TrainingComparison> {
  const [a, b] = [await sets.body(idA), await sets.body(idB)]
  for (const set of [a, b]) refuseAltered(await sets.flaw(set))
  const [inA, inB] = [columnsOf(a), columnsOf(b)]
  const shared = [...inA.keys()].filter((name) => inB.has(name))
  const side = (set: RecordedSet): string =>
    `SELECT *, label::DOUBLE AS value, row_number() OVER (PARTITION BY subject, "at", label ORDER BY file_row_number) AS nth
     FROM read_parquet(${quote(join(derived.place.folder, set.files[0]!.path))}, file_row_number = true)`
  const differs = shared.map((name) => `a.${identifier(name)} IS DISTINCT FROM b.${identifier(name)}`)
  const both = 'a.subject IS NOT NULL AND b.subject IS NOT NULL'
  const counts = await derived.place.columns.row<Record<string, bigint>>(
    `SELECT count(a.subject) AS a, count(b.subject) AS b, count(*) FILTER (WHERE ${both}) AS pairs,
       count(*) FILTER (WHERE ${both} AND (${differs.join(' OR ') || 'false'})) AS differing
       ${differs.map((each, i) => `, count(*) FILTER (WHERE ${both} AND ${each}) AS c${i}`).join('')}
     FROM (${side(a)}) a FULL JOIN (${side(b)}) b
       ON a.subject = b.subject AND a."at" = b."at" AND a.value = b.value AND a.nth = b.nth`,
  )
  const n = (name: string): number => Number(counts[name] ?? 0n)
  const rows = {
    a: n('a'),
    b: n('b'),
    equal: n('pairs') - n('differing'),
    differing: n('differing'),
    onlyA: n('a') - n('pairs'),
    onlyB: n('b') - n('pairs'),
  }
  const columns = {
    onlyA: [...inA.keys()].filter((name) => !inB.has(name)),
    onlyB: [...inB.keys()].filter((name) => !inA.has(name)),
    differing: shared.map((name, i) => ({ name, rows: n(`c${i}`) })).filter((each) => each.rows > 0),
  }
  const equal = rows.differing + rows.onlyA + rows.onlyB === 0 && columns.onlyA.length + columns.onlyB.length === 0
  const differences = [...ofValues(a, b, columns.differing), ...ofRows(derived, a, b, rows)]
  return { a: idA, b: idB, equal, rows, columns, differences }
}

function columnsOf(set: RecordedSet): Map<string, string> {
  return new Map(featuresOf(set).map(({ column, view }) => [column, view]))
}

/** Why values of the same rows differ: the record that differs says it; with none, nothing does. */
function ofValues(
  a: RecordedSet,
  b: RecordedSet,
  differing: readonly { name: string; rows: number }[],
): TrainingDifference[] {
  const fingerprints = (set: RecordedSet): Map<string, string> =>
    new Map(viewsOf(set).map(({ view, fingerprint }) => [view, fingerprint]))
  const [printsA, printsB] = [fingerprints(a), fingerprints(b)]
  const [inA, inB] = [columnsOf(a), columnsOf(b)]
  const redefined = differing.filter(({ name }) => printsA.get(inA.get(name)!) !== printsB.get(inB.get(name)!))
  const rest = differing.filter((each) => !redefined.includes(each))
  const of = (why: TrainingDifference['why'], list: typeof differing, sentence: string): TrainingDifference[] =>
    list.length === 0
      ? []
      : [{ why, rows: Math.max(...list.map((each) => each.rows)), columns: list.map(({ name }) => name), sentence }]
  const knowledge = [a, b].map((set) => set.knowledge ?? 'honoured')
  const engines = [a, b].map((set) => JSON.stringify(set.engine))
  const because = (): [TrainingDifference['why'], string] => {
    if (knowledge[0] !== knowledge[1])
      return ['knowledge', `What was known when is ${knowledge[0]} in ${a.id} and ${knowledge[1]} in ${b.id}.`]
    if (a.asOf !== b.asOf || [a, b].some((set) => set.columns.some(({ name }) => name === 'as_of')))
      return [
        'late',
        `Events of before those times were recorded between the positions ${Math.min(a.asOf, b.asOf)} and ${Math.max(a.asOf, b.asOf)}, or after a row’s own.`,
      ]
    if (engines[0] !== engines[1]) return ['engine', 'They were made with different versions of the engine.']
    return ['unexplained', 'Their records say nothing that would explain it.']
  }
  return [
    ...of('definition', redefined, 'The views that define them differ.'),
    ...(rest.length === 0 ? [] : of(because()[0], rest, because()[1])),
  ]
}

/** Why rows stand on one side only. */
function ofRows(
  derived: DerivedFiles,
  a: RecordedSet,
  b: RecordedSet,
  { onlyA, onlyB }: TrainingComparison['rows'],
): TrainingDifference[] {
  if (onlyA + onlyB === 0) return []
  const sides = [
    ...(onlyA > 0 ? [{ rows: onlyA, here: a, there: b }] : []),
    ...(onlyB > 0 ? [{ rows: onlyB, here: b, there: a }] : []),
  ]
  return sides.map(({ rows, here, there }) => {
    const gone = there.rows - derived.now(there.files).reduce((sum, file) => sum + file.rows, 0)
    const said = (why: TrainingDifference['why'], sentence: string): TrainingDifference => ({ why, rows, sentence })
    if (here.spineDigest !== there.spineDigest)
      return said('spine', `They are in ${here.id} only: the sets were made of different spines.`)
    if (gone > 0) return said('erased', `They were taken out of ${there.id} by erasures.`)
    if ((there.leftOut.objected ?? 0) > (here.leftOut.objected ?? 0))
      return said('objected', `Whom they are about objected before ${there.id} was made.`)
    return said('spine', `They are in ${here.id} only: more of its spine was known by then.`)
  })
}
