// Random features in SQL, over a stream with a column of every type, and events with values at the edges of the types.
import fc from 'fast-check'
import type { EventRow, StreamShape } from '../events.ts'
import { subject } from '../testing.ts'

export const shape: StreamShape = {
  stream: 'things',
  contract: 'things@1.0.0',
  columns: [
    { name: 'n', type: 'BIGINT' },
    { name: 'm', type: 'BIGINT' },
    { name: 'amount', type: 'DECIMAL(18,2)' },
    { name: 'rate', type: 'DECIMAL(4,3)' },
    { name: 'vast', type: 'DECIMAL(38,10)' },
    { name: 'share', type: 'DOUBLE' },
    { name: 'paid', type: 'BOOLEAN' },
    { name: 's', type: 'VARCHAR' },
    { name: 'u', type: 'VARCHAR' },
    { name: 'day', type: 'DATE' },
    { name: 'since', type: 'TIMESTAMP' },
  ],
}

type Kind = 'int' | 'dec' | 'dbl' | 'bool' | 'str' | 'ts' | 'date'

/** A source of choices: the same numbers make the same expression. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  of<T>(all: readonly T[]): T {
    return all[Math.floor(this.next() * all.length)]!
  }

  chance(share: number): boolean {
    return this.next() < share
  }
}

type Leaf = (kind: Kind) => string

const columns: Record<Kind, string[]> = {
  int: ['n', 'm', 'seq'],
  dec: ['amount', 'rate', 'vast'],
  dbl: ['share'],
  bool: ['paid'],
  str: ['s', 'u'],
  ts: ['time', 'since', 'as_of', 'known'],
  date: ['day'],
}

const literals: Record<Kind, string[]> = {
  int: [
    '0',
    '1',
    '-1',
    '7',
    '100',
    '2147483648',
    '9007199254740993',
    '9223372036854775807',
    'NULL::BIGINT',
    '3::TINYINT',
  ],
  dec: ['1.5', '0.01', '-99.995', '0.0', '12345678901234567.89', '2.5::DECIMAL(38,5)'],
  dbl: ['0.1::DOUBLE', '1e10', '-2.5e0', '0e0', '3::DOUBLE'],
  bool: ['true', 'false', 'NULL::BOOLEAN'],
  str: [`'a'`, `''`, `'ab c'`, `'Üß'`, `'😀x'`, `' a '`, `'a_b%'`, 'NULL::VARCHAR'],
  ts: [`TIMESTAMP '2026-02-28 23:59:59.5'`, `'2024-02-29'::TIMESTAMP`, 'as_of'],
  date: [`DATE '2026-03-01'`, `'1969-12-31'::DATE`],
}

const units = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']
const partNames = [...units, 'dow', 'isodow', 'doy', 'millisecond', 'microsecond', 'isoyear']

/** A random expression of a kind whose leaves are columns, or aggregates. */
export function expression(dice: Dice, kind: Kind, depth: number, leaf: Leaf): string {
  if (depth <= 0 || dice.chance(0.15)) return dice.chance(0.75) ? leaf(kind) : dice.of(literals[kind])
  const go = (of: Kind): string => expression(dice, of, depth - 1, leaf)
  const number = (): Kind => dice.of<Kind>(['int', 'dec', 'dbl', 'int', 'dec'])
  const any = (): Kind => dice.of<Kind>(['int', 'dec', 'dbl', 'bool', 'str', 'ts', 'date'])
  const shared: (() => string)[] = [
    () => `CASE WHEN ${go('bool')} THEN ${go(kind)} ELSE ${go(kind)} END`,
    () => `coalesce(${go(kind)}, ${go(kind)})`,
    () => `nullif(${go(kind)}, ${go(kind)})`,
    () => `${dice.of(['greatest', 'least'])}(${go(kind)}, ${go(kind)})`,
  ]
  const own: Record<Kind, (() => string)[]> = {
    int: [
      () => `(${go('int')} ${dice.of(['+', '-', '*', '//', '%'])} ${go('int')})`,
      () => `(- ${go('int')})`,
      () => `${dice.of(['abs', 'sign', 'floor', 'round', 'ceil', 'trunc'])}(${go('int')})`,
      () => `CAST(${go(number())} AS ${dice.of(['BIGINT', 'INTEGER', 'HUGEINT', 'SMALLINT', 'UTINYINT'])})`,
      () => `${dice.of(['length', 'strlen'])}(${go('str')})`,
      () => `strpos(${go('str')}, ${go('str')})`,
      () =>
        `date_diff('${dice.of([...units, 'millisecond', 'microsecond'])}', ${go(dice.of(['ts', 'date']))}, ${go('ts')})`,
      () => `date_sub('${dice.of(['week', 'day', 'hour', 'minute', 'second'])}', ${go('ts')}, ${go('ts')})`,
      () => `date_part('${dice.of(partNames)}', ${go(dice.of(['ts', 'date']))})`,
      () => `${dice.of(['year', 'month', 'dayofweek', 'week', 'quarter', 'dayofyear'])}(${go('date')})`,
      () => `${dice.of(['hour', 'minute', 'second', 'epoch_ms', 'epoch_us'])}(${go('ts')})`,
      () => `(${go('date')} - ${go('date')})`,
      () => `mod(${go('int')}, ${go('int')})`,
      () => `CAST(${go('bool')} AS INTEGER)`,
    ],
    dec: [
      () => `(${go('dec')} ${dice.of(['+', '-', '*'])} ${go(dice.of(['dec', 'int']))})`,
      () => `(- ${go('dec')})`,
      () => `${dice.of(['abs', 'floor', 'round', 'ceil', 'trunc'])}(${go('dec')})`,
      () => `round(${go('dec')}, ${dice.of(['0', '1', '2', '5'])})`,
      () => `CAST(${go(number())} AS DECIMAL(${dice.of(['18,2', '38,4', '9,0', '20,10', '4,2'])}))`,
    ],
    dbl: [
      () => `(${go('dbl')} ${dice.of(['+', '-', '*'])} ${go(number())})`,
      () => `(${go(number())} / ${go(number())})`,
      () => `(- ${go('dbl')})`,
      () => `${dice.of(['abs', 'floor', 'round', 'ceil', 'trunc'])}(${go('dbl')})`,
      () => `round(${go('dbl')}, ${dice.of(['0', '1', '2', '5'])})`,
      () => `sqrt(abs(${go(number())}))`,
      () => `CAST(${go(number())} AS DOUBLE)`,
      () => `epoch(${go('ts')})`,
    ],
    bool: [
      () => comparison(dice, go, number(), number()),
      () => comparison(dice, go, dice.of(['ts', 'date']), dice.of(['ts', 'date'])),
      () => {
        const same = any()
        return comparison(dice, go, same, same)
      },
      () => `(${go('bool')} ${dice.of(['AND', 'OR'])} ${go('bool')})`,
      () => `(NOT ${go('bool')})`,
      () => `(${go(any())} IS ${dice.of(['', 'NOT '])}NULL)`,
      () => {
        const of = any()
        return `(${go(of)} ${dice.of(['', 'NOT '])}IN (${go(of)}, ${go(of)}, ${dice.of(literals[of])}))`
      },
      () => {
        const of = dice.of<Kind>(['int', 'dec', 'dbl', 'str', 'ts'])
        return `(${go(of)} BETWEEN ${go(of)} AND ${go(of)})`
      },
      () =>
        `(${go('str')} ${dice.of(['', 'NOT '])}LIKE ${dice.of([`'a%'`, `'%b'`, `'_'`, `'%a_%'`, `'Ü%'`, go('str')])})`,
      () => `${dice.of(['contains', 'starts_with', 'ends_with', 'prefix', 'suffix'])}(${go('str')}, ${go('str')})`,
      () => `(${go('ts')} - ${go('ts')} > INTERVAL ${dice.of(['2 hour', '1 month', '3 day'])})`,
    ],
    str: [
      () => `(${go('str')} || ${go('str')})`,
      () => `${dice.of(['lower', 'upper', 'trim', 'ltrim', 'rtrim'])}(${go('str')})`,
      () => `${dice.of(['left', 'right'])}(${go('str')}, ${dice.of(['0', '1', '2'])})`,
      () => `substr(${go('str')}, ${dice.of(['1', '2', '0'])}, ${dice.of(['0', '1', '5'])})`,
      () => `replace(${go('str')}, ${go('str')}, 'zz')`,
      () => `concat(${go('str')}, ${go('str')})`,
      () => `concat_ws('-', ${go('str')}, ${go('str')})`,
      () => `split_part(${go('str')}, ${dice.of([`'a'`, `' '`])}, ${dice.of(['1', '2'])})`,
      () => `CAST(${go(dice.of(['int', 'dec', 'bool', 'date', 'ts']))} AS VARCHAR)`,
      () => `${dice.of(['dayname', 'monthname'])}(${go(dice.of(['ts', 'date']))})`,
    ],
    ts: [
      () => `date_trunc('${dice.of(units)}', ${go('ts')})`,
      () =>
        `(${go('ts')} ${dice.of(['+', '-'])} INTERVAL ${dice.of(['2 hour', '1 month', '3 day', '1 year', '90 second'])})`,
      () => `CAST(${go('date')} AS TIMESTAMP)`,
      () => `(${go('ts')} + to_days(CAST(${go('int')} AS INTEGER)))`,
    ],
    date: [
      () => `CAST(${go('ts')} AS DATE)`,
      () => `last_day(${go(dice.of(['ts', 'date']))})`,
      () => `(${go('date')} ${dice.of(['+', '-'])} ${dice.of(['1', '31', '-400'])})`,
    ],
  }
  return dice.chance(0.3) ? dice.of(shared)() : dice.of(own[kind])()
}

function comparison(dice: Dice, go: (kind: Kind) => string, a: Kind, b: Kind): string {
  const by = dice.of(['=', '<>', '<', '>', '<=', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM'])
  return `(${go(a)} ${by} ${go(b)})`
}

const ofEvent =
  (dice: Dice): Leaf =>
  (kind) =>
    dice.of(columns[kind])

/** A random aggregate whose value is of a kind. */
function aggregate(dice: Dice, kind: Kind): string {
  const per = (of: Kind, depth = 1): string => expression(dice, of, dice.chance(0.5) ? depth : 0, ofEvent(dice))
  const any = (): Kind => dice.of<Kind>(['int', 'dec', 'dbl', 'bool', 'str', 'ts', 'date'])
  const order = (): string =>
    `${per(any())} ${dice.of(['', 'ASC', 'DESC'])} ${dice.of(['', 'NULLS FIRST', 'NULLS LAST'])}`
  const shared = [
    () => `${dice.of(['min', 'max'])}(${per(kind)})`,
    () => `${dice.of(['arg_min', 'arg_max', 'min_by', 'max_by'])}(${per(kind)}, ${per(any())})`,
    () => `${dice.of(['first', 'last', 'any_value', 'arbitrary'])}(${per(kind)} ORDER BY ${order()})`,
  ]
  const own: Record<Kind, (() => string)[]> = {
    int: [
      () => 'count(*)',
      () => `count(${dice.of(['', 'DISTINCT '])}${per(any())})`,
      () => `sum(${dice.of(['', 'DISTINCT '])}${per('int')})`,
      () => `count_if(${per('bool')})`,
      () => `${dice.of(['bit_and', 'bit_or', 'bit_xor'])}(${per('int')})`,
    ],
    dec: [() => `sum(${dice.of(['', '', 'DISTINCT '])}${per('dec')})`],
    dbl: [() => `avg(${dice.of(['', 'DISTINCT '])}${per(dice.of(['int', 'dec']))})`],
    bool: [() => `${dice.of(['bool_and', 'bool_or'])}(${per('bool')})`],
    str: [() => `string_agg(${per('str')}, ${dice.of([`','`, `''`])} ORDER BY ${order()})`],
    ts: [],
    date: [],
  }
  const made = dice.chance(0.4) || own[kind].length === 0 ? dice.of(shared)() : dice.of(own[kind])()
  return dice.chance(0.3) ? `${made} FILTER (WHERE ${per('bool', 2)})` : made
}

const declared: Record<Kind, string> = {
  int: 'int64',
  dec: 'decimal',
  dbl: 'double',
  bool: 'boolean',
  str: 'string',
  ts: 'timestamp',
  date: 'timestamp',
}

/** A random feature as it stands in a view's file. */
export function feature(dice: Dice, name: string): string {
  const kind = dice.of<Kind>(['int', 'dec', 'dbl', 'bool', 'str', 'ts', 'date'])
  const expr = expression(dice, kind, dice.of([0, 0, 1, 2, 3]), (of) => aggregate(dice, of))
  const filter = dice.chance(0.3) ? { filter: expression(dice, 'bool', 2, ofEvent(dice)) } : {}
  const window = dice.chance(0.3) ? { window: dice.of(['1h', '6h', '2d']) } : {}
  return JSON.stringify({ name, type: declared[kind], expr, ...filter, ...window })
}

export const hour = 3_600_000_000
export const start = Date.UTC(2026, 2, 1) * 1000

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 4 })
const decimalText = (digits: bigint, scale: number): string => {
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0')
  return `${digits < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
}
const decimal = (precision: number, scale: number): fc.Arbitrary<string> => {
  const most = 10n ** BigInt(precision) - 1n
  return fc
    .oneof(
      fc.bigInt({ min: -1000n, max: 1000n }),
      fc.bigInt({ min: -most, max: most }),
      fc.constantFrom(most, -most, 0n),
    )
    .map((digits) => decimalText(digits, scale))
}
const integer = fc.oneof(
  fc.bigInt({ min: -3n, max: 3n }),
  fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }),
  fc.constantFrom(2n ** 31n, -(2n ** 31n), 2n ** 53n - 1n),
)
const text = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'Aa', '', ' a ', 'Üß', '😀', '\uffee', 'a,b', 'a%_b', '12', '-3', '2026-01-01'),
  fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'ä', '😀', '%', '_', '\ufb00', 'é'), maxLength: 5 }),
)
const times = fc.oneof(
  fc.integer({ min: -12, max: 60 }).map((half) => start + half * (hour / 2)),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((seconds) => seconds * 1_000_000 + (seconds % 7) * 100_001),
)

/** Events of one person, with positions in order. */
export const events: fc.Arbitrary<EventRow[]> = fc
  .array(
    fc.record({
      time: fc.integer({ min: 0, max: 60 }).map((half) => start + half * (hour / 2)),
      late: fc.constantFrom(0, 0, 0, 1, 9 * hour),
      values: fc.tuple(
        maybe(integer),
        maybe(integer),
        maybe(decimal(18, 2)),
        maybe(decimal(4, 3)),
        maybe(decimal(38, 10)),
        maybe(
          fc.oneof(
            fc.constantFrom(0, 0.1, -1.5, 2.5, 1e300, 5e-324, 123_456_789.987_65),
            fc.double({ noNaN: true, noDefaultInfinity: true }),
          ),
        ),
        maybe(fc.boolean()),
        maybe(text),
        maybe(text),
        maybe(times.map((micros) => new Date(Math.floor(micros / 1000)).toISOString().slice(0, 10))),
        maybe(times.map(BigInt)),
      ),
    }),
    { maxLength: 12 },
  )
  .map((drawn) =>
    drawn.map(({ time, late, values }, index) => ({
      seq: index + 1,
      subject: subject(1),
      time,
      known: time + late,
      values,
    })),
  )
