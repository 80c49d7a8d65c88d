// A training set made again from the ledger and held against its record: which rows are made again as they were written,
// and why the others are not.
import type { TrainingDifference, TrainingVerification, TrainingVerifyRequest } from '@whence/sdk'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import { formatTime } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { identifier, quote } from '../../store/columns.ts'
import type { Session } from '../../store/columns.ts'
import type { Objections } from '../consent/objections.ts'
import { contentDigest, sharedHashes } from './content-digest.ts'
import type { DerivedFiles } from './derived-files.ts'
import { outward } from './outward.ts'
import { rowHashes } from '../../record/tables/row-hashes.ts'
import { sidecar } from './rows.ts'
import type { Value } from './rows.ts'
import type { SetMaker } from './set-maker.ts'
import { featuresOf, viewsOf } from './set-record.ts'
import type { RecordedSet } from './set-record.ts'
import type { Spine } from './spine.ts'
import { joinViews, loadSpineTable, shapesOf } from './training-set.ts'
import type { JoinedView, SetShape } from './training-set.ts'
import type { TrainingSets } from './training-sets.ts'
import { SEMANTICS } from './view.ts'

/** Values that are shown as examples. */
const SAMPLE = 10

export class SetVerifier {
  readonly #derived: DerivedFiles
  readonly #objections: Objections
  readonly #maker: SetMaker
  readonly #sets: TrainingSets

  constructor(parts: { derived: DerivedFiles; objections: Objections; maker: SetMaker; sets: TrainingSets }) {
    this.#derived = parts.derived
    this.#objections = parts.objections
    this.#maker = parts.maker
    this.#sets = parts.sets
  }

  /**
   * Makes a set again. The rows to be made come from the ledger where the spine is a stream, from the request where it has
   * the spine that the set was made of, else from the set itself.
   */
  async verify(id: string, request: TrainingVerifyRequest): Promise<TrainingVerification> {
    const from = request.upload === undefined ? undefined : { upload: request.upload }
    try {
      const set = await this.#sets.body(id)
      // Nothing is erased while it is made: the rows that are gone are those of the files.
      return await this.#derived.inTurn(() => this.#verify(set, { spine: request.spine, from }))
    } finally {
      await this.#maker.forget({ from })
    }
  }

  async #verify(set: RecordedSet, given: Parameters<SetMaker['spineOf']>[0]): Promise<TrainingVerification> {
    const { place } = this.#derived
    const versions = await Promise.all(viewsOf(set).map(({ view }) => this.#maker.version(view)))
    const contracts = new Map(set.inputs.map(({ stream, contract }) => [stream, contract]))
    const views = await this.#maker.compiled(versions, contracts)
    const problems: string[] = []
    const flaw = await this.#sets.flaw(set)
    if (flaw !== undefined) problems.push(flaw)
    for (const { compiled } of views) await this.#derived.extend(compiled, set.asOf)
    for (const { stream } of shapesOf(views))
      for (const { sentence } of await place.events.check(stream)) problems.push(sentence)

    const spine = await this.#spine(set, views[0]!.compiled.view.entity, given)
    const file = join(place.folder, set.files[0]!.path)
    const recorded = await readFile(sidecar(file)).catch(() => undefined)
    if (recorded === undefined || !existsSync(file))
      throw new Fault('altered', `${set.files[0]!.path}, or its list of row hashes, is gone: restore it from a backup`)
    const shape: SetShape = {
      columns: set.columns,
      features: featuresOf(set),
      ownPositions: set.columns.some(({ name }) => name === 'as_of'),
    }
    return place.events.use(shapesOf(views), set.asOf, (relations) =>
      place.columns.session(async (session) => {
        if (spine === undefined) await loadSpineOf(session, set, file)
        else await loadSpineTable(session, spine)
        await joinViews(session, relations, views, shape, { knowledge: set.knowledge ?? 'honoured' })
        const again = await rowHashes(session, 'joined', '"row"', set.columns)
        return this.#held(session, set, { file, recorded, again, views, shape, problems, spine, given })
      }),
    )
  }

  async #held(
    session: Session,
    set: RecordedSet,
    {
      file,
      recorded,
      again,
      shape,
      problems,
      spine,
      given,
    }: {
      file: string
      recorded: Buffer
      again: Buffer
      views: readonly JoinedView[]
      shape: SetShape
      problems: string[]
      spine: Spine | undefined
      given: Parameters<SetMaker['spineOf']>[0]
    },
  ): Promise<TrainingVerification> {
    const rows = { recorded: recorded.length / 32, recomputed: again.length / 32 }
    const equal = sharedHashes(recorded, again)
    const erased =
      set.files.reduce((sum, { rows: n }) => sum + n, 0) -
      this.#derived.now(set.files).reduce((sum, { rows: n }) => sum + n, 0)
    const extra = rows.recomputed - equal
    const missing = rows.recorded - equal - erased
    const differences: TrainingDifference[] = []
    if (erased > 0)
      differences.push({
        why: 'erased',
        rows: erased,
        sentence: 'They are about people who were erased since; only the hashes of the rows remain.',
      })
    // Somebody of whom nothing was known when the set was made may be known now.
    const known = Math.min(Math.max(0, extra - Math.max(0, missing)), set.leftOut.unknown ?? 0)
    if (known > 0)
      differences.push({
        why: 'spine',
        rows: known,
        sentence: 'They are about people of whom nothing was recorded when the set was made, and something is now.',
      })
    const changed = Math.max(missing, extra - known)
    let sample: TrainingVerification['sample'] = []
    if (changed > 0) {
      const { columns, values } = await changes(session, set, shape, file)
      sample = values
      const engine = `DuckDB ${set.engine?.duckdb ?? 'of an unknown version'}, semantics ${set.engine?.semantics ?? '?'}`
      const moved = set.engine?.duckdb !== this.#derived.place.columns.version || set.engine?.semantics !== SEMANTICS
      const [why, sentence] =
        problems.length > 0
          ? (['altered', 'Files are not as they were recorded; see the problems.'] as const)
          : moved
            ? (['engine', `The set was made with ${engine}; this is another.`] as const)
            : (['unexplained', 'The same events, by the same definitions, give other values.'] as const)
      differences.push({ why, rows: changed, columns, sentence })
    }
    const since = await this.#objectedSince(session, set, file)
    const whole = erased === 0 && known === 0
    return {
      id: set.id,
      equal: changed <= 0,
      rows: { ...rows, equal, erased },
      contentDigest: {
        ...(set.contentDigest === undefined ? {} : { recorded: set.contentDigest }),
        list: contentDigest(set.columns, recorded),
        ...(whole ? { recomputed: contentDigest(set.columns, again) } : {}),
      },
      spine:
        spine === undefined
          ? 'from the set'
          : set.spine?.kind === 'stream' && given.spine === undefined && given.from === undefined
            ? 'from the ledger'
            : 'as given',
      objectedSince: since,
      differences,
      sample,
      problems,
    }
  }

  /** The spine, where it can be had from elsewhere than the set. */
  async #spine(
    set: RecordedSet,
    entity: string,
    given: Parameters<SetMaker['spineOf']>[0],
  ): Promise<Spine | undefined> {
    const again = given.spine !== undefined || given.from !== undefined
    if (!again && set.spine?.kind !== 'stream') return undefined
    const asked = again ? this.#maker.spineOf(given) : undefined
    if (asked && asked.spineDigest !== set.spineDigest)
      throw new Fault(
        'conflict',
        `this is not the spine that training set "${set.id}" was made of: leave it out, or give that one`,
      )
    const objected = await this.#objections.everyone('profiling', { asOf: set.objectionsAsOf ?? 0 })
    return this.#maker.spine({
      request: { spine: given.spine, label: set.label },
      spine: set.spine ?? { kind: 'rows' },
      upload: asked?.upload,
      entity,
      asOf: set.asOf,
      now: parseTime(set.made)!,
      objected,
    })
  }

  async #objectedSince(session: Session, set: RecordedSet, file: string): Promise<number> {
    const then = await this.#objections.everyone('profiling', { asOf: set.objectionsAsOf ?? set.seq })
    const since = [...(await this.#objections.everyone('profiling'))].filter((subject) => !then.has(subject))
    if (since.length === 0) return 0
    await session.load('objectors', [{ name: 'subject', type: 'BLOB', of: (subject: string) => subject }], [since])
    const { people } = await session.row<{ people: bigint }>(
      `SELECT count(DISTINCT subject) AS people FROM read_parquet(${quote(file)}) WHERE subject IN (SELECT subject FROM objectors)`,
    )
    return Number(people)
  }
}

/** The rows of a set as its spine. */
async function loadSpineOf(session: Session, set: RecordedSet, file: string): Promise<void> {
  const upto = set.columns.some(({ name }) => name === 'as_of') ? 'as_of' : `${set.asOf}::BIGINT`
  await session.run(
    `CREATE OR REPLACE TEMP TABLE spine AS SELECT file_row_number AS "row", subject, "at", ${upto} AS upto, label
     FROM read_parquet(${quote(file)}, file_row_number = true)`,
  )
}

/** Which columns of `joined` have other values than the file, and some of them. Rows are matched by subject, time and label. */
async function changes(
  session: Session,
  set: RecordedSet,
  shape: SetShape,
  file: string,
): Promise<{ columns: string[]; values: TrainingVerification['sample'] }> {
  const nth = (order: string): string =>
    `row_number() OVER (PARTITION BY subject, "at", label ORDER BY ${order}) AS nth`
  const pair = `(SELECT *, ${nth('"row"')} FROM joined) j JOIN (SELECT *, ${nth('file_row_number')} FROM read_parquet(${quote(file)}, file_row_number = true)) f USING (subject, "at", label, nth)`
  const names = shape.features.map(({ column }) => column)
  const counts = await session.row<Record<string, bigint>>(
    `SELECT ${names.map((name, i) => `count(*) FILTER (WHERE j.${identifier(name)} IS DISTINCT FROM f.${identifier(name)}) AS c${i}`).join(', ')} FROM ${pair}`,
  )
  const columns = names.filter((_, i) => counts[`c${i}`]! > 0n)
  const values: TrainingVerification['sample'] = []
  for (const column of columns) {
    if (values.length >= SAMPLE) break
    const name = identifier(column)
    const rows = await session.rows<{ subject: string; at: number; again: Value; stored: Value }>(
      `SELECT lower(hex(subject)) AS subject, "at", j.${name} AS again, f.${name} AS stored FROM ${pair}
       WHERE j.${name} IS DISTINCT FROM f.${name} ORDER BY "at", subject LIMIT ${SAMPLE - values.length}`,
    )
    const shown = (value: Value) => outward(set.columns, { [column]: value })[column]!
    values.push(
      ...rows.map(({ subject, at, again, stored }) => ({
        subject,
        at: formatTime(at),
        column,
        stored: shown(stored),
        recomputed: shown(again),
      })),
    )
  }
  return { columns, values }
}
