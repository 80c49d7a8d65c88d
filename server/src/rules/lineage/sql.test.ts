import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { nodeId, type Link, type Name, type Statement } from '../../record/lineage/statement.ts'
import { readLineageEvent } from './event.ts'
import { deriveFromSql, deriveLinks, loadSqlParser } from './sql.ts'
import { depth, parseSql } from './sql/parser.ts'

before(loadSqlParser)

const name = (text: string): Name => ({ kind: 'dataset', namespace: 'w', name: text })
const use = (text: string, columns?: string) => ({
  name: name(text),
  facets: columns ? { schema: { fields: columns.split(' ').map((column) => ({ name: column })) } } : {},
  here: {},
})

function statement(
  query: string,
  options: { inputs?: Record<string, string>; outputs?: Record<string, string>; dialect?: string } = {},
): Statement {
  const { inputs = { 'db.t': 'a b c', 'db.u': 'a d e' }, outputs = { 'db.x': '' }, dialect } = options
  return {
    time: 0,
    producer: 'p',
    job: {
      name: { kind: 'job', namespace: 'w', name: 'j' },
      facets: { sql: { query, ...(dialect ? { dialect } : {}) } },
    },
    inputs: Object.entries(inputs).map(([table, columns]) => use(table, columns)),
    outputs: Object.entries(outputs).map(([table, columns]) => use(table, columns)),
    described: [],
    links: [],
    aliases: [],
    changes: [],
    jobs: [],
  }
}

/** `t.a > x.b IDENTITY verified`, sorted; what decides over the whole output stands as `t.a > x …`. */
function show(links: readonly Link[]): string[] {
  const place = ({ name: { name: whole }, field }: Link['from']) =>
    whole.split('.').at(-1)! + (field === undefined ? '' : `.${field}`)
  return links
    .map((l) => `${place(l.from)} > ${place(l.to)} ${l.transformation}${l.masking ? ' masked' : ''} ${l.basis}`)
    .toSorted()
}

function derived(query: string, options?: Parameters<typeof statement>[1]): string[] {
  const { links, problems } = deriveFromSql(statement(query, options), () => undefined)
  assert.deepEqual(problems, [], query)
  return show(links)
}

const dialects = ['postgres', 'bigquery', 'snowflake', 'spark', 'hive', 'mysql', 'duckdb', undefined]

describe('columns of known schemas', () => {
  const cases: [string, string, string[]][] = [
    ['a plain column', 'create table x as select a from t', ['t.a > x.a IDENTITY verified']],
    ['an alias', 'create table x as select a as n from db.t', ['t.a > x.n IDENTITY verified']],
    [
      'a qualified name, an alias of the table, a join',
      'create table x as select v.a, w.d as q from t v join u as w on v.b = w.e',
      ['t.a > x.a IDENTITY verified', 't.b > x JOIN verified', 'u.d > x.q IDENTITY verified', 'u.e > x JOIN verified'],
    ],
    [
      'USING: both sides are the column',
      'create table x as select a, d from t join u using (a)',
      [
        't.a > x JOIN verified',
        't.a > x.a IDENTITY verified',
        'u.a > x JOIN verified',
        'u.a > x.a IDENTITY verified',
        'u.d > x.d IDENTITY verified',
      ],
    ],
    [
      'an ambiguous column: every candidate is named',
      'create table x as select a as n from t, u',
      ['t.a > x.n IDENTITY conservative', 'u.a > x.n IDENTITY conservative'],
    ],
    [
      'a star is opened',
      'create table x as select * from t',
      ['t.a > x.a IDENTITY verified', 't.b > x.b IDENTITY verified', 't.c > x.c IDENTITY verified'],
    ],
    [
      'filters, groups and aggregates',
      'create table x as select b, sum(c) as s, count(*) as n from t where a > 1 group by b having max(c) > 2',
      [
        't.a > x FILTER verified',
        't.b > x GROUP_BY verified',
        't.b > x.b IDENTITY verified',
        't.c > x FILTER verified',
        't.c > x.s AGGREGATION verified',
      ],
    ],
    [
      'groups and order by place and by alias',
      'create table x as select a as k, b + c as v from t group by 1, 2 order by v',
      [
        't.a > x GROUP_BY verified',
        't.a > x.k IDENTITY verified',
        't.b > x GROUP_BY verified',
        't.b > x SORT verified',
        't.b > x.v TRANSFORMATION verified',
        't.c > x GROUP_BY verified',
        't.c > x SORT verified',
        't.c > x.v TRANSFORMATION verified',
      ],
    ],
    [
      'a condition decides, a result arrives',
      'create table x as select case when a = 1 then b else c end as v from t',
      ['t.a > x.v CONDITIONAL verified', 't.b > x.v TRANSFORMATION verified', 't.c > x.v TRANSFORMATION verified'],
    ],
    [
      'a window',
      'create table x as select sum(a) over (partition by b order by c) as s from t',
      ['t.a > x.s AGGREGATION verified', 't.b > x.s WINDOW verified', 't.c > x.s WINDOW verified'],
    ],
    [
      'WITH upon WITH, a column renamed twice',
      'create table x as with p as (select a as k from t), q as (select k as l from p) select upper(l) as m from q',
      ['t.a > x.m TRANSFORMATION verified'],
    ],
    [
      'a subquery in FROM, and its filter',
      'create table x as select k from (select a as k from t where b = 1) s',
      ['t.a > x.k IDENTITY verified', 't.b > x FILTER verified'],
    ],
    [
      'UNION adds by place',
      'create table x as select a, b from t union all select d, e from u',
      [
        't.a > x.a IDENTITY verified',
        't.b > x.b IDENTITY verified',
        'u.d > x.a IDENTITY verified',
        'u.e > x.b IDENTITY verified',
      ],
    ],
    [
      'a subquery as a value, with a column from outside',
      'create table x as select (select max(d) from u where u.e = t.b) as m from t',
      ['t.b > x.m FILTER verified', 'u.d > x.m AGGREGATION verified', 'u.e > x.m FILTER verified'],
    ],
    [
      'IN and EXISTS filter',
      'create table x as select a from t where b in (select d from u) and exists (select 1 from u where u.e = t.c)',
      [
        't.a > x.a IDENTITY verified',
        't.b > x FILTER verified',
        't.c > x FILTER verified',
        'u.d > x FILTER verified',
        'u.e > x FILTER verified',
      ],
    ],
    ['a hash masks', 'create table x as select md5(a) as h from t', ['t.a > x.h TRANSFORMATION masked verified']],
    [
      'WITH RECURSIVE finds itself',
      'create table x as with recursive r as (select a as n from t union all select n + 1 from r) select n from r',
      ['t.a > x.n IDENTITY verified', 't.a > x.n TRANSFORMATION verified'],
    ],
  ]
  for (const [what, sql, expected] of cases) {
    test(what, () => {
      for (const dialect of dialects) {
        if (dialect === 'hive' && sql.includes('recursive')) continue
        assert.deepEqual(derived(sql, dialect === undefined ? {} : { dialect }), expected, dialect ?? 'no dialect')
      }
    })
  }
})

describe('what is written', () => {
  test('INSERT goes by place: by its column list, else by the schema of the target', () => {
    const listed = ['t.a > x.p IDENTITY verified', 't.b > x.q IDENTITY verified']
    assert.deepEqual(derived('insert into x (p, q) select a, b from t'), listed)
    assert.deepEqual(derived('insert into db.x select a, b from t', { outputs: { 'db.x': 'p q' } }), listed)
    assert.deepEqual(derived('insert into x select a, b from t'), [
      't.a > x.a IDENTITY unverified',
      't.b > x.b IDENTITY unverified',
    ])
  })

  test('a query alone fills the one output, as dbt says it', () => {
    assert.deepEqual(derived('select a as n from "w"."db"."t"', { dialect: 'postgres' }), [
      't.a > x.n IDENTITY verified',
    ])
    const two = statement('select a from t', { outputs: { 'db.x': '', 'db.y': '' } })
    const { links, problems } = deriveFromSql(two, () => undefined)
    assert.equal(links.length, 0)
    assert.equal(problems.length, 1)
  })

  test('MERGE: updates, inserts, and what it joins by', () => {
    const merge =
      'merge into x using (select a, b from t) s on x.a = s.a when matched then update set b = s.b when not matched then insert (a, b) values (s.a, s.b)'
    assert.deepEqual(derived(merge, { outputs: { 'db.x': 'a b' } }), [
      't.a > x JOIN verified',
      't.a > x.a IDENTITY verified',
      't.b > x.b IDENTITY verified',
      'x.a > x JOIN verified',
    ])
  })

  test('UPDATE … FROM, and DELETE', () => {
    const outputs = { 'db.x': 'a b' }
    assert.deepEqual(derived('update x set b = t.c from t where t.a = x.a', { outputs, dialect: 'postgres' }), [
      't.a > x FILTER verified',
      't.c > x.b IDENTITY verified',
      'x.a > x FILTER verified',
    ])
    assert.deepEqual(derived('delete from x where a in (select d from u)', { outputs }), [
      'u.d > x FILTER verified',
      'x.a > x FILTER verified',
    ])
  })

  test('tables that the text makes for itself are seen through', () => {
    const script =
      'create temporary table s as select a as k from t where b > 1; insert into x (n) select k + 1 from s; drop table s'
    assert.deepEqual(derived(script), ['t.a > x.n TRANSFORMATION verified', 't.b > x FILTER verified'])
  })

  test('dbt writes beside the table, and renames', () => {
    const sql = 'create table "w"."db"."x__dbt_tmp" as (select a from "w"."db"."t")'
    assert.deepEqual(derived(sql, { dialect: 'postgres' }), ['t.a > x.a IDENTITY verified'])
  })

  test('a column that the output does not have is named and doubted', () => {
    const { links, problems } = deriveFromSql(
      statement('create table x as select a as z from t', { outputs: { 'db.x': 'y' } }),
      () => undefined,
    )
    assert.deepEqual(show(links), ['t.a > x.z IDENTITY unverified'])
    assert.equal(problems.length, 1)
  })
})

describe('what is not known', () => {
  const open = { inputs: { 'db.t': '', 'db.u': '' } }
  test('one table without a schema: the column is its, unverified', () => {
    assert.deepEqual(derived('create table x as select a from t', open), ['t.a > x.a IDENTITY unverified'])
  })
  test('two tables without a schema: either, conservative', () => {
    assert.deepEqual(derived('create table x as select a from t join u on t.i = u.j', open), [
      't.a > x.a IDENTITY conservative',
      't.i > x JOIN unverified',
      'u.a > x.a IDENTITY conservative',
      'u.j > x JOIN unverified',
    ])
  })
  test('a star of an unknown schema: the dataset as a whole', () => {
    assert.deepEqual(derived('create table x as select * from t', open), ['t > x IDENTITY conservative'])
  })
  test('a star passes names through to those who ask', () => {
    assert.deepEqual(derived('create table x as with s as (select * from t) select a from s', open), [
      't.a > x.a IDENTITY unverified',
    ])
  })
  test('a known schema next to an unknown one decides', () => {
    assert.deepEqual(derived('create table x as select a from t, u', { inputs: { 'db.t': 'a b', 'db.u': '' } }), [
      't.a > x.a IDENTITY verified',
    ])
  })
  test('schemas come from outside too', () => {
    const links = deriveLinks(statement('create table x as select * from t', open), ({ name: table }) =>
      table === 'db.t' ? ['a'] : undefined,
    )
    assert.deepEqual(show(links), ['t.a > x.a IDENTITY verified'])
  })
  test('a table that is no input gives no link, and is named', () => {
    const { links, problems } = deriveFromSql(statement('create table x as select q from elsewhere'), () => undefined)
    assert.deepEqual(links, [])
    assert.deepEqual(problems, ['"elsewhere" is none of the job\'s inputs'])
  })
  test('a table that may be two inputs is both', () => {
    const { links } = deriveFromSql(
      statement('create table x as select a from t', { inputs: { 'p.t': 'a', 'q.t': 'a' } }),
      () => undefined,
    )
    assert.deepEqual(show(links), ['t.a > x.a IDENTITY conservative', 't.a > x.a IDENTITY conservative'])
  })
})

describe('dialects', () => {
  const cases: [string, string, string[]][] = [
    ['bigquery', 'create table x as select * except (b, c) from `w.db.t`', ['t.a > x.a IDENTITY verified']],
    [
      'bigquery',
      'create table x as select e from `w.db.t`, unnest(split(b)) as e',
      ['t.b > x.e TRANSFORMATION verified'],
    ],
    ['snowflake', 'create table x as select * exclude (b, c) from t', ['t.a > x.a IDENTITY verified']],
    ['snowflake', 'create table x as select a:k.l::string as v from t', ['t.a > x.v TRANSFORMATION verified']],
    [
      'snowflake',
      'create table x as select a from t qualify row_number() over (partition by b order by c) = 1',
      ['t.a > x.a IDENTITY verified', 't.b > x FILTER verified', 't.c > x FILTER verified'],
    ],
    [
      'snowflake',
      'create table x as select f.value as v from t, lateral flatten(input => t.b) f',
      ['t.b > x.v TRANSFORMATION conservative'],
    ],
    ['spark', 'insert overwrite table x select a from t', ['t.a > x.a IDENTITY unverified']],
    [
      'hive',
      'create table x as select a, item from t lateral view explode(b) l as item',
      ['t.a > x.a IDENTITY verified', 't.b > x.item TRANSFORMATION verified'],
    ],
    [
      'spark',
      'create table x using delta as select if(a > 1, b, c) as v from t',
      ['t.a > x.v CONDITIONAL verified', 't.b > x.v TRANSFORMATION verified', 't.c > x.v TRANSFORMATION verified'],
    ],
    [
      'spark',
      'create table x as select transform(a, y -> y + b) as v from t',
      ['t.a > x.v TRANSFORMATION verified', 't.b > x.v TRANSFORMATION verified'],
    ],
    ['mysql', 'insert into `x` (`p`) select `a` from `db`.`t`', ['t.a > x.p IDENTITY verified']],
    ['duckdb', 'create table x as from t select a', ['t.a > x.a IDENTITY verified']],
    [
      'duckdb',
      'create table x as select * replace (a + b as c) from t',
      [
        't.a > x.a IDENTITY verified',
        't.a > x.c TRANSFORMATION verified',
        't.b > x.b IDENTITY verified',
        't.b > x.c TRANSFORMATION verified',
      ],
    ],
    [
      'postgres',
      'create view x as select sum(a) filter (where b > 1) as s from t',
      ['t.a > x.s AGGREGATION verified', 't.b > x.s CONDITIONAL verified'],
    ],
    [
      'postgres',
      'create table x as select distinct on (b) a from t order by b',
      ['t.a > x.a IDENTITY verified', 't.b > x GROUP_BY verified', 't.b > x SORT verified'],
    ],
  ]
  for (const [dialect, sql, expected] of cases)
    test(`${dialect}: ${sql}`, () => assert.deepEqual(derived(sql, { dialect }), expected))
})

describe('what a producer states itself', () => {
  test('is never joined by what we derive', () => {
    const own = statement('create table x as select a from t')
    const stated = { ...own, outputs: [{ ...own.outputs[0]!, facets: { columnLineage: { fields: {} } } }] }
    assert.deepEqual(
      deriveLinks(stated, () => undefined),
      [],
    )
  })
  test('no link claims to be stated', () => {
    const links = deriveLinks(statement('create table x as select * from t, u'), () => undefined)
    assert.ok(links.length > 0 && links.every(({ basis }) => basis !== 'stated'))
  })
})

describe('hostile text', () => {
  const shapes: Record<string, (n: number) => string> = {
    brackets: (n) => `select ${'('.repeat(n)}a${')'.repeat(n)} from t`,
    sums: (n) => `select ${'a+'.repeat(n)}a from t`,
    ands: (n) => `select a from t where ${'a = 1 and '.repeat(n)} a = 2`,
    unions: (n) => `select a from t ${'union all select a from t '.repeat(n)}`,
    cases: (n) => `select ${'case when a then '.repeat(n)}1${' end'.repeat(n)} from t`,
    casts: (n) => `select a${'::int'.repeat(n)} from t`,
    subscripts: (n) => `select a${'[1]'.repeat(n)} from t`,
    types: (n) => `select cast(a as ${'array<'.repeat(n)}int${'>'.repeat(n)}) from t`,
    nots: (n) => `select ${'not '.repeat(n)}a from t`,
    minus: (n) => `select ${'- '.repeat(n)}a from t`,
    'is null': (n) => `select a ${'is null '.repeat(n)} from t`,
    zones: (n) => `select a ${"at time zone 'x' ".repeat(n)} from t`,
    in: (n) => `select a ${'in (1) '.repeat(n)} from t`,
    subqueries: (n) => `select a from ${'(select a from '.repeat(n)}t${')'.repeat(n)}`,
    lambdas: (n) => `select f(${'x -> '.repeat(n)}1)`,
    pivots: (n) => `select 1 from t ${'pivot (sum(a) for b in (1)) '.repeat(n)}`,
    calls: (n) => `select ${'f('.repeat(n)}a${')'.repeat(n)}`,
    joins: (n) => `select 1 from ${'('.repeat(n)}t${' join u on 1 = 1)'.repeat(n)}`,
    explains: (n) => `${'explain '.repeat(n)}select 1`,
    ifs: (n) => `${'if a then '.repeat(n)}select 1; ${'end if; '.repeat(n)}`,
    whiles: (n) => `${'while a do '.repeat(n)}select 1; ${'end while; '.repeat(n)}`,
    dots: (n) => `select a${'.b'.repeat(n)} from t`,
    collates: (n) => `select a ${'collate x '.repeat(n)} from t`,
    intervals: (n) => `select ${'interval '.repeat(n)} a from t`,
    likes: (n) => `select a ${'like b '.repeat(n)} from t`,
    between: (n) => `select a ${'between 1 and 2 '.repeat(n)} from t`,
    arrows: (n) => `select a ${"-> 'b' ".repeat(n)} from t`,
    structs: (n) => `select cast(a as ${'struct<a '.repeat(n)}int${'>'.repeat(n)})`,
    quotes: (n) => `select ${"'".repeat(n)} from t`,
    comments: (n) => `select ${'/*'.repeat(n)} a from t`,
    with: (n) => `${'with a as ('.repeat(n)}select 1${') select 1'.repeat(n)}`,
  }
  for (const [shape, make] of Object.entries(shapes)) {
    test(`${shape} of any depth leave the parser whole`, () => {
      for (const n of [10, 60, 140, 290, 1000, 20_000]) {
        for (const dialect of ['databricks', 'generic', 'snowflake', 'bigquery']) {
          const parsed = parseSql(make(n), dialect)
          if ('problem' in parsed) assert.doesNotMatch(parsed.problem, /parser failed/, `${n} ${dialect}`)
          deriveLinks(statement(make(n), { dialect }), () => undefined)
        }
      }
      assert.deepEqual(derived('create table x as select a from t'), ['t.a > x.a IDENTITY verified'])
    })
  }

  test('what is too long is refused with a problem', () => {
    const long = `select ${'a, '.repeat(400_000)} a from t`
    assert.match(deriveFromSql(statement(long), () => undefined).problems[0]!, /more than 250000 characters/)
  })

  test('no SQL at all is one problem and no link', () => {
    for (const text of ['', 'select', 'hello', 'select from where', '\u0000', '🎈', '{"a":1}']) {
      const { links } = deriveFromSql(statement(text), () => undefined)
      assert.deepEqual(links, [], text)
    }
    assert.equal(deriveFromSql(statement('selec a from t'), () => undefined).problems.length, 1)
  })

  test('never throws, and says the same again, for any sequence of words', () => {
    const words = fc.constantFrom(
      ...'select from where join left using on group by order with as a b c t u x ( ) , . * = + - case when then else end union all insert into create table update set merge matched not in exists over partition values ; \' " ` [ ] :: : 1 lateral view explode unnest pivot for'.split(
        ' ',
      ),
    )
    const dialect = fc.constantFrom(...dialects.filter((each) => each !== undefined))
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), dialect, (text, kind) => {
        const once = statement(text.join(' '), { dialect: kind })
        assert.deepEqual(
          deriveFromSql(once, () => undefined),
          deriveFromSql(once, () => undefined),
        )
      }),
      { numRuns: 400 },
    )
  })

  test('never throws, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        deriveFromSql(statement(text), () => undefined)
        assert.ok(depth(text) >= 0)
      }),
      { numRuns: 300 },
    )
  })

  test('queries that are put together from parts give links to columns that exist', () => {
    const column = fc.constantFrom(
      'a',
      'b',
      'c',
      't.a',
      'sum(b)',
      'a + b',
      'coalesce(a, c)',
      'case when a = 1 then b end',
    )
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 8 }), fc.boolean(), (columns, nested) => {
        const list = columns.map((each, i) => `${each} as c${i}`).join(', ')
        const inner = `select ${list} from t`
        const sql = `create table x as ${nested ? `with w as (${inner}) select * from w` : inner}`
        const { links, problems } = deriveFromSql(statement(sql), () => undefined)
        assert.deepEqual(problems, [])
        for (const link of links) {
          assert.equal(link.basis, 'verified')
          assert.match(link.from.field!, /^[abc]$/)
          assert.match(link.to.field!, /^c[0-7]$/)
        }
      }),
    )
  })
})

const events = new URL('../../../../../shared/openlineage/events/', import.meta.url)

test(
  'agrees with producers that state the columns of their SQL themselves',
  { skip: existsSync(events) ? false : 'the shared data folder is not here' },
  (t) => {
    const folder = fileURLToPath(events)
    let stated = 0
    let agreed = 0
    let texts = 0
    let understood = 0
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((each) => each.endsWith('json'))
      .toSorted()) {
      for (const event of eventsOf(readFileSync(`${folder}/${file}`, 'utf8'))) {
        const read = readLineageEvent(event, 0)
        if (!('statement' in read)) continue
        const { statement: said } = read
        if (typeof (said.job?.facets.sql as { query?: unknown } | undefined)?.query !== 'string') continue
        texts++
        const bare = (uses: Statement['inputs']) =>
          uses.map((each) => {
            const { columnLineage: _, lineage: __, ...facets } = each.facets
            return { ...each, facets }
          })
        const without = { ...said, links: [], outputs: bare(said.outputs) }
        const { links, problems } = deriveFromSql(without, () => undefined)
        const silent = problems.some((problem) => /parsed|failed|followed|deep|not understood/.test(problem))
        if (!silent) understood++
        const theirs = pairs(said.links)
        if (theirs.size === 0) continue
        // What its seed says of columns was written by hand, and names some that its SQL does not hold.
        const byHand = file.startsWith('marquez-seed')
        const ours = pairs(links)
        const missing = [...theirs].filter((pair) => !ours.has(pair))
        const more = [...ours].filter((pair) => !theirs.has(pair))
        const same = missing.length + more.length === 0
        if (!silent && !byHand) {
          stated++
          if (same) agreed++
        }
        if (same) continue
        const why = silent ? problems.join('; ') : byHand ? 'written by hand' : 'DIFFERENT'
        t.diagnostic(`${file}: ${why}: not derived ${missing.join(', ') || '-'}; beyond ${more.join(', ') || '-'}`)
      }
    }
    t.diagnostic(`${understood} of ${texts} SQL texts understood`)
    t.diagnostic(`of ${stated} that are understood and whose producer states columns, ${agreed} agree exactly`)
    assert.ok(stated >= 9)
    assert.equal(agreed, stated)
  },
)

/** Direct pairs of columns, as producers and we can be compared. */
function pairs(links: readonly Link[]): Set<string> {
  return new Set(
    links
      .filter(({ from, to, how }) => how === 'direct' && from.field !== undefined && to.field !== undefined)
      .map(({ from, to }) => `${nodeId(from.name, from.field!.toLowerCase())} > ${to.field!.toLowerCase()}`),
  )
}

function eventsOf(text: string): unknown[] {
  const parsed = (line: string): unknown[] => {
    try {
      const value = JSON.parse(line) as unknown
      return Array.isArray(value) ? value : [value]
    } catch {
      return []
    }
  }
  const whole = parsed(text)
  return whole.length > 0 ? whole : text.split('\n').flatMap(parsed)
}
