// A spine that DuckDB reads: a Parquet file that was uploaded, or the events of a stream. It is put into a temporary table
// and taken from there page by page, so that it never stands in memory as objects.
import type { SpineColumns, TrainingSet } from '@whence/sdk'
import { open } from 'node:fs/promises'
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import { identifier, quote } from '../../store/columns.ts'
import type { Session } from '../../store/columns.ts'
import { compileEventValue } from './compile.ts'
import type { StreamShape } from './events.ts'
import { placesIn, readAt, readLabel } from './spine-cells.ts'
import { MOST_ROWS } from './spine.ts'
import type { GivenRow } from './spine.ts'

const PAGE = 20_000

/** A spine out of a Parquet file. Throws `invalid` for a file that is none, is cut, or has other types. */
export async function* parquetSpine(
  session: Session,
  path: string,
  wanted: SpineColumns,
  label: string,
): AsyncGenerator<GivenRow[], void, undefined> {
  await refuseCut(path)
  const file = `read_parquet(${quote(path)})`
  const plainly = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      // Its own words may quote what stands in the file.
      throw new Fault(
        'invalid',
        'the file cannot be read as Parquet: it is cut, altered, or of a kind we do not read',
        {
          cause,
        },
      )
    }
  }
  const { rows } = await plainly(
    session.row<{ rows: bigint }>(
      `SELECT coalesce(sum(num_rows), 0)::BIGINT AS rows FROM parquet_file_metadata(${quote(path)})`,
    ),
  )
  if (rows < 0n || rows > MOST_ROWS)
    throw new Fault('too_large', `a spine has at most ${MOST_ROWS} rows: make several sets`)
  yield* rowsOfFile(session, file, plainly, wanted, label)
}

/** A spine out of the files of a table of ours. */
export async function* tableSpine(
  session: Session,
  paths: readonly string[],
  wanted: SpineColumns,
  label: string,
): AsyncGenerator<GivenRow[], void, undefined> {
  const files = `read_parquet([${paths.map(quote).join(', ')}], union_by_name = true)`
  yield* rowsOfFile(session, files, (work) => work, wanted, label)
}

async function* rowsOfFile(
  session: Session,
  file: string,
  plainly: <T>(work: Promise<T>) => Promise<T>,
  wanted: SpineColumns,
  label: string,
): AsyncGenerator<GivenRow[], void, undefined> {
  const columns = await plainly(session.describe(`SELECT * FROM ${file}`))
  const places = placesIn(
    columns.map(({ name }) => name),
    wanted,
    label,
  )
  const who = columns[places.who.at]!
  const at = columns[places.at]!
  const given = columns[places.label]!
  const select = [
    `${whoSql(who, places.who.as)} AS who`,
    `${atSql(at)} AS at_us`,
    `${at.type === 'VARCHAR' ? identifier(at.name) : 'NULL::VARCHAR'} AS at_text`,
    `${labelSql(given)} AS label`,
    `${given.type === 'VARCHAR' ? identifier(given.name) : 'NULL::VARCHAR'} AS label_text`,
    `${places.asOf === undefined ? 'NULL::BIGINT' : `TRY_CAST(${identifier(columns[places.asOf]!.name)} AS BIGINT)`} AS upto`,
  ]
  await plainly(session.run(`CREATE OR REPLACE TEMP TABLE given AS SELECT ${select.join(', ')} FROM ${file}`))
  const logical = given.type === 'BOOLEAN'
  let row = 0
  for await (const page of pages<ParquetRow>(session, 'who, at_us, at_text, label, label_text, upto')) {
    yield page.map((each): GivenRow => {
      row++
      const wrong = (what: string): never => {
        throw new Fault('invalid', `row ${row} of the file: ${what}`)
      }
      if (each.who === null || each.who === '') return wrong('it names nobody')
      if (places.who.as === 'subject' && !/^[0-9a-f]{32}$/.test(each.who))
        return wrong('the subject is no subject id (32 hex digits)')
      const time = each.at_text === null ? micros(each.at_us) : readAt(each.at_text)
      if (time === undefined) return wrong('the time is none with a zone: write 2026-03-20T10:00:00Z')
      const read = each.label_text === null ? each.label : readLabel(each.label_text)
      if (read === undefined) return wrong('the label is neither a number nor true or false')
      return {
        [places.who.as]: each.who,
        at: time,
        label: logical && read !== null ? read === 1 : read,
        ...(each.upto === null ? {} : { asOf: Math.max(0, Number(each.upto)) }),
      }
    })
  }
}

interface ParquetRow {
  who: string | null
  at_us: bigint | null
  at_text: string | null
  label: number | null
  label_text: string | null
  upto: bigint | null
}

/** A file has its magic at both ends, and a footer that fits into it; whoever parses it should not have to find out. */
async function refuseCut(path: string): Promise<void> {
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    const ends = Buffer.alloc(12)
    if (size >= 12) {
      await handle.read(ends, 0, 4, 0)
      await handle.read(ends, 4, 8, size - 8)
    }
    const footer = ends.readUInt32LE(4)
    const whole = ends.toString('latin1', 0, 4) === 'PAR1' && ends.toString('latin1', 8, 12) === 'PAR1'
    if (!whole || footer === 0 || footer > Math.min(size - 12, 64 * 1024 * 1024))
      throw new Fault('invalid', 'the file is no Parquet file, or is cut: send it again, whole')
  } finally {
    await handle.close()
  }
}

function whoSql({ name, type }: { name: string; type: string }, as: 'entity' | 'subject'): string {
  if (type === 'VARCHAR' || /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(type))
    return `${identifier(name)}::VARCHAR`
  if (type === 'UUID') return `${identifier(name)}::VARCHAR`
  if (type === 'BLOB' && as === 'subject') return `lower(hex(${identifier(name)}))`
  throw new Fault('invalid', `column "${name}" is ${type}: identifiers are text or whole numbers`)
}

function atSql({ name, type }: { name: string; type: string }): string {
  const column = identifier(name)
  if (type === 'VARCHAR') return 'NULL::BIGINT'
  if (type === 'TIMESTAMP WITH TIME ZONE') return `epoch_us(${column})`
  if (type === 'DATE' || /^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return `epoch_us(${column}::TIMESTAMP)`
  throw new Fault('invalid', `column "${name}" is ${type}: times are timestamps, dates, or text with a zone`)
}

function labelSql({ name, type }: { name: string; type: string }): string {
  const column = identifier(name)
  if (type === 'VARCHAR') return 'NULL::DOUBLE'
  if (type === 'BOOLEAN') return `${column}::INTEGER::DOUBLE`
  if (/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL)/.test(type))
    return `CASE WHEN isfinite(${column}::DOUBLE) THEN ${column}::DOUBLE + 0 END`
  throw new Fault('invalid', `column "${name}" is ${type}: labels are numbers or booleans`)
}

/** The events of a stream as rows, in the order of the log. `relation` holds them, as far as they may be known. */
export async function* streamSpine(
  session: Session,
  shape: StreamShape,
  relation: string,
  { where, at = 'time', label = '' }: TrainingSet['spine'],
  asOf: number,
): AsyncGenerator<GivenRow[], void, undefined> {
  const place = (what: string): string => `the spine’s ${what}`
  const condition = where === undefined ? undefined : await compileEventValue(session, shape, where, 'where')
  if (condition && condition.type !== 'BOOLEAN')
    throw new Fault('invalid', `${place('where')} is ${condition.type}, not a condition`)
  const time = await compileEventValue(session, shape, at, 'at')
  if (time.type !== 'TIMESTAMP' && time.type !== 'DATE')
    throw new Fault('invalid', `${place('at')} is ${time.type}, not a time`)
  const value = await compileEventValue(session, shape, label, 'label')
  const logical = value.type === 'BOOLEAN'
  if (!logical && !/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL)/.test(value.type))
    throw new Fault('invalid', `${place('label')} is ${value.type}: labels are numbers or booleans`)
  const number = logical ? `(${value.sql})::INTEGER::DOUBLE` : `(${value.sql})::DOUBLE + 0`
  await session.run(
    `CREATE OR REPLACE TEMP TABLE given AS SELECT lower(hex(subject)) AS subject, epoch_us((${time.sql})::TIMESTAMP) AS at_us,
       ${number} AS label
     FROM ${relation} WHERE seq < ${asOf}${condition ? ` AND (${condition.sql})` : ''} ORDER BY seq`,
  )
  type StreamRow = { subject: string; at_us: bigint | null; label: number | null }
  for await (const page of pages<StreamRow>(session, 'subject, at_us, label')) {
    yield page.map(({ subject, at_us: us, label: read }): GivenRow => {
      const time = micros(us)
      if (time === undefined || read === null || !Number.isFinite(read)) return { subject, at: 0, label: null }
      return { subject, at: time, label: logical ? read === 1 : read }
    })
  }
}

function micros(us: bigint | null): Micros | undefined {
  const time = Number(us)
  return us !== null && Number.isSafeInteger(time) ? time : undefined
}

async function* pages<Row>(session: Session, columns: string): AsyncGenerator<Row[], void, undefined> {
  const { rows } = await session.row<{ rows: bigint }>('SELECT count(*) AS rows FROM given')
  if (rows > MOST_ROWS) throw new Fault('too_large', `a spine has at most ${MOST_ROWS} rows: make several sets`)
  for (let from = 0; from < rows; from += PAGE) {
    yield await session.rows<Row>(
      `SELECT ${columns} FROM given WHERE rowid >= ${from} AND rowid < ${from + PAGE} ORDER BY rowid`,
    )
  }
  await session.run('DROP TABLE given')
}
