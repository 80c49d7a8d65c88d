// From an expression and the types that DuckDB gives its parts to a function of one row. What is not on the list here is
// refused, and the view is left to DuckDB: `evaluate.test.ts` holds everything on it against DuckDB.
import { childrenOf } from '../syntax.ts'
import type { Expression } from '../syntax.ts'
import { constant, NotEvaluable, to } from './computed.ts'
import type { Built, Compute, Places } from './computed.ts'
import type { Datum } from './datum.ts'
import { comparing, isDecimal, isInteger, read, scaleOf, Unsure, unscaled } from './datum.ts'
import { functionNamed } from './functions.ts'

/** The operands of a node that DuckDB brings to one type before it looks at them. */
export function operandsOf(node: Expression): Expression[] {
  switch (node.is) {
    case 'compare':
      return [node.left, node.right]
    case 'between':
      return [node.input, node.lower, node.upper]
    case 'operator':
      return node.by === 'IN' || node.by === 'NOT IN' ? node.of : []
    case 'call':
      return node.name === 'nullif' ? node.of : []
    default:
      return []
  }
}

export function build(node: Expression, places: Places): Built {
  const built = make(node, places)
  return built.constant ? built : folded(built, node, places)
}

/** A part that reads no row is computed once. */
function folded(built: Built, node: Expression, places: Places): Built {
  if (readsRow(node, places)) return built
  try {
    return constant(built.type, built.of([], 0n))
  } catch (error) {
    if (error instanceof Unsure) throw new NotEvaluable(`a constant: ${error.message}`)
    throw error
  }
}

function readsRow(node: Expression, places: Places): boolean {
  if (node.is === 'column' || (node.is === 'call' && places.aggregate(node) !== undefined)) return true
  return childrenOf(node).some((child) => readsRow(child, places))
}

function make(node: Expression, places: Places): Built {
  const type = places.typeOf(node)
  const built = (child: Expression): Built => build(child, places)
  switch (node.is) {
    case 'constant':
      return literal(node, type)
    case 'column': {
      if (node.path[0] === 'as_of') return { type: 'TIMESTAMP', of: (_, asOf) => asOf }
      const place = places.place(node.path[0]!)
      if (place === undefined) throw new NotEvaluable(`the column ${node.path[0]}`)
      return { type, of: (row) => row[place]! }
    }
    case 'call': {
      const place = places.aggregate(node)
      if (place !== undefined) return { type, of: (row) => row[place]! }
      if (node.name === 'nullif') return nullif(node.of.map(built), places.commonOf(node), type)
      const made = functionNamed(node.name, node.of.map(built), type)
      if (!made) throw new NotEvaluable(`${node.name}() over ${node.of.map((each) => places.typeOf(each)).join(', ')}`)
      return { type, of: made }
    }
    case 'compare':
      return { type, of: comparison(node.by, built(node.left), built(node.right), places.commonOf(node)) }
    case 'junction':
      return { type, of: junction(node.by, node.of.map(built)) }
    case 'between': {
      const common = places.commonOf(node)
      const [input, lower, upper] = [built(node.input), built(node.lower), built(node.upper)]
      const least = comparison('>=', input, lower, common)
      const most = comparison('<=', input, upper, common)
      return { type, of: (row, asOf) => and(least(row, asOf), most(row, asOf)) }
    }
    case 'operator':
      return { type, of: operator(node.by, node.of.map(built), type, () => places.commonOf(node)) }
    case 'case': {
      const whens = node.when.map(({ condition, then }) => ({ if: built(condition), then: to(built(then), type) }))
      if (whens.some((when) => when.if.type !== 'BOOLEAN')) throw new NotEvaluable('a CASE over what is no condition')
      const otherwise = to(built(node.otherwise), type)
      return {
        type,
        of(row, asOf) {
          for (const when of whens) if (when.if.of(row, asOf) === true) return when.then(row, asOf)
          return otherwise(row, asOf)
        },
      }
    }
    case 'cast': {
      const of = built(node.of)
      const cast = to(of, node.to)
      if (!node.orNull) return { type, of: cast }
      // Whether DuckDB would give NULL or something else is for it to say: `Unsure` says so.
      return { type, of: cast }
    }
  }
}

function literal({ type: kind, text }: { type: string; text: string | null }, type: string): Built {
  if (text === null) return constant('NULL', null)
  if (kind === 'VARCHAR') return constant(kind, text)
  if (kind === 'BOOLEAN') return constant(kind, text.startsWith('t'))
  if (kind === 'DOUBLE') return constant(kind, Number(text))
  if (isDecimal(kind)) return constant(type, unscaled(text, Number(/,\s*(\d+)/.exec(type)?.[1] ?? 0)))
  if (isInteger(kind)) return constant(type, BigInt(text))
  return constant(kind, read(kind as never, text))
}

const verdicts: Record<string, (order: number) => boolean> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '>': (order) => order > 0,
  '<=': (order) => order <= 0,
  '>=': (order) => order >= 0,
}

function comparison(by: string, left: Built, right: Built, common: string): Compute {
  const compare = comparing(common)
  if (!compare) throw new NotEvaluable(`a comparison of ${common}`)
  // At 38 digits a scale may be cut, and not alike for each operator.
  if (isDecimal(common) && [left, right].some(({ type }) => scaleOf(type) > scaleOf(common)))
    throw new NotEvaluable(`a comparison in ${common} of finer decimals`)
  const [a, b] = [to(left, common), to(right, common)]
  if (by.endsWith('DISTINCT FROM')) {
    const same = by === 'IS NOT DISTINCT FROM'
    return (row, asOf) => {
      const [x, y] = [a(row, asOf), b(row, asOf)]
      return (x === null || y === null ? x === y : compare(x, y) === 0) === same
    }
  }
  const verdict = verdicts[by]!
  return (row, asOf) => {
    const x = a(row, asOf)
    const y = b(row, asOf)
    return x === null || y === null ? null : verdict(compare(x, y))
  }
}

function and(a: Datum, b: Datum): Datum {
  if (a === false || b === false) return false
  return a === null || b === null ? null : true
}

function junction(by: 'AND' | 'OR', of: Built[]): Compute {
  if (of.some(({ type }) => type !== 'BOOLEAN' && type !== 'NULL'))
    throw new NotEvaluable(`${by} over what is no condition`)
  const decides = by === 'OR'
  return (row, asOf) => {
    let unknown = false
    for (const each of of) {
      const value = each.of(row, asOf)
      if (value === decides) return decides
      if (value === null) unknown = true
    }
    return unknown ? null : !decides
  }
}

function nullif([a, b]: Built[], common: string, type: string): Built {
  const same = comparison('=', a!, b!, common)
  const value = to(a!, type)
  return { type, of: (row, asOf) => (same(row, asOf) === true ? null : value(row, asOf)) }
}

function operator(by: string, of: Built[], type: string, common: () => string): Compute {
  const [first, ...rest] = of as [Built, ...Built[]]
  switch (by) {
    case 'NOT':
      if (first.type !== 'BOOLEAN') throw new NotEvaluable('NOT over what is no condition')
      return (row, asOf) => {
        const value = first.of(row, asOf)
        return value === null ? null : !value
      }
    case 'IS NULL':
      return (row, asOf) => first.of(row, asOf) === null
    case 'IS NOT NULL':
      return (row, asOf) => first.of(row, asOf) !== null
    case 'COALESCE': {
      const all = of.map((each) => to(each, type))
      return (row, asOf) => {
        for (const each of all) {
          const value = each(row, asOf)
          if (value !== null) return value
        }
        return null
      }
    }
    case 'IN':
    case 'NOT IN': {
      const shared = common()
      const among = rest.map((each) => comparison('=', first, each, shared))
      const found = by === 'IN'
      return (row, asOf) => {
        let unknown = false
        for (const each of among) {
          const same = each(row, asOf)
          if (same === true) return found
          if (same === null) unknown = true
        }
        return unknown ? null : !found
      }
    }
    default:
      throw new NotEvaluable(by)
  }
}
