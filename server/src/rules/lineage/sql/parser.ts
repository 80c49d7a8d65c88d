// The parser of SQL: WebAssembly, so that it is loaded at the first SQL and not at the start.
//
// Its stack is small, and a syntax tree that is too deep for it leaves it unusable. So depth is estimated before, from
// the text alone; should it fail all the same, it says so from then on until it has been loaded anew.
import type { Parser } from '@guanmingchiu/sqlparser-ts'

/** What parses in well under a second, however it is made: nothing else is answered meanwhile. */
const LONGEST = 250_000
/** Operators and brackets open at one place. The parser gives up at about twice as many. */
const DEEPEST = 300

let parser: typeof Parser | undefined
let failed = false

/** Loads the parser, once. Until then no SQL is understood. */
export async function loadSqlParser(): Promise<void> {
  if (parser !== undefined) return
  const library = await import('@guanmingchiu/sqlparser-ts')
  await library.init()
  parser = library.Parser
}

export type Parsed = { statements: readonly unknown[] } | { problem: string }

/** Parses by the dialect that is named, else by those that understand the most. Never throws. */
export function parseSql(sql: string, dialect?: string): Parsed {
  if (parser === undefined) return { problem: 'the SQL parser has not been loaded' }
  if (failed) return { problem: 'the SQL parser failed on an earlier text: it works again after a restart' }
  if (sql.length > LONGEST) return { problem: `the SQL has more than ${LONGEST} characters` }
  if (depth(sql) > DEEPEST) return { problem: `the SQL is nested, or chained by operators, more than ${DEEPEST} deep` }
  let first: string | undefined
  for (const name of dialects(dialect)) {
    try {
      return { statements: parser.parse(sql, name) }
    } catch (error) {
      const message = (error as Error).message
      if (trap.test(message)) {
        failed = true
        return { problem: `the SQL parser failed: ${message.slice(0, 200)}` }
      }
      first ??= message.replace(/^sql parser error: /, '').slice(0, 200)
    }
  }
  return { problem: `the SQL cannot be parsed: ${first}` }
}

/** What the engine says when WebAssembly ends abnormally. */
const trap = /out of bounds|unreachable|call stack|indirect call|null function/

type Dialect = NonNullable<Parameters<typeof Parser.parse>[1]>

const known: Readonly<Record<string, Dialect>> = {
  postgres: 'postgresql',
  postgresql: 'postgresql',
  redshift: 'redshift',
  bigquery: 'bigquery',
  snowflake: 'snowflake',
  spark: 'spark',
  sparksql: 'spark',
  databricks: 'databricks',
  hive: 'hive',
  mysql: 'mysql',
  mariadb: 'mysql',
  duckdb: 'duckdb',
  sqlite: 'sqlite',
  mssql: 'mssql',
  sqlserver: 'mssql',
  tsql: 'mssql',
  oracle: 'oracle',
  clickhouse: 'clickhouse',
  teradata: 'teradata',
}

/** The dialects to try, in order: that of the text first. */
function dialects(said: string | undefined): Dialect[] {
  const own = known[said?.toLowerCase() ?? '']
  return own ? [own, 'generic', 'databricks'] : ['generic', 'databricks', 'bigquery', 'snowflake']
}

/** What the namespace of a dataset tells of the dialect: `postgres://host:5432`, `bigquery`. */
export function dialectOf(namespace: string): string | undefined {
  const scheme = /^(?:jdbc:)?([a-z0-9]+)/i.exec(namespace)?.[1]?.toLowerCase() ?? ''
  return scheme in known ? scheme : undefined
}

/**
 * How deep the syntax tree may be, at most: brackets and CASEs that are open, and the operators chained within each of
 * them. A comma or SELECT begins a new chain; only UNION and its like chain whole queries.
 */
export function depth(sql: string): number {
  const token =
    /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|[a-z_][\w$]*|[0-9][\w.]*|[^\s\w]/giy
  const open: { operators: number; unions: number }[] = [{ operators: 0, unions: 0 }]
  let sum = 0
  let deepest = 0
  let at = 0
  while (at < sql.length) {
    token.lastIndex = at
    const text = token.exec(sql)?.[0]
    at += text?.length ?? 1
    if (text === undefined || /^(['"`0-9]|--|\/\*)/.test(text)) continue
    const here = open.at(-1)!
    const word = text.toLowerCase()
    if (word === '(' || word === '[' || word === '{' || word === 'case' || word === 'begin') {
      open.push({ operators: 1, unions: 0 })
      sum++
    } else if ((word === ')' || word === ']' || word === '}' || word === 'end') && open.length > 1) {
      sum -= here.operators + here.unions
      open.pop()
      // What was in brackets may be one link of a chain: f(a)(b), a[1][2].
      open.at(-1)!.operators++
      sum++
    } else if (word === ',' || word === 'select' || word === ';') {
      sum -= here.operators - (open.length > 1 ? 1 : 0)
      here.operators = open.length > 1 ? 1 : 0
      if (word === ';') {
        sum -= here.unions
        here.unions = 0
      }
    } else if (chains.has(word)) {
      here.unions++
      sum++
    } else if (operators.has(word) || !/[\w.]/.test(word)) {
      here.operators++
      sum++
    }
    deepest = Math.max(deepest, sum)
  }
  return deepest
}

const chains = new Set(['union', 'except', 'intersect', 'minus', 'pivot', 'unpivot', 'explain', 'if', 'then', 'else'])
const operators = new Set(
  'and or not xor is isnull notnull in like ilike rlike regexp similar glob between div mod collate at interval prior'
    .concat(' overlaps escape operator with array struct map row any all exists cast match join apply')
    .split(' '),
)
