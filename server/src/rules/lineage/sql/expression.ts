// The columns that an expression takes its value from, and those that only decide which value it is.
import { isDirect, through, type Direct, type Indirect, type Relation, type Source, type Work } from './relation.ts'
import type { Scope } from './scope.ts'
import { identifier, list, objectName, tree, variant, folded, type Tree } from './syntax.ts'

export type Named = ReadonlyMap<string, Relation>

/** What an expression needs of the query around it. */
export interface Around {
  readonly scope: Scope
  /** Names of WITH, of temporary tables and of views that the text itself has made. */
  readonly named: Named
  readonly work: Work
  /** Named windows of the SELECT. */
  readonly windows: ReadonlyMap<string, unknown>
  readonly aliasesFirst?: boolean
  subquery(query: unknown, scope: Scope): Relation
}

/**
 * All sources of an expression. `what` says what it is used for: IDENTITY for a column of the result. Those of
 * subqueries' filters come as they are; the caller tells direct from indirect.
 */
export function sourcesOf(expression: unknown, around: Around, what: Direct | Indirect = 'IDENTITY'): Source[] {
  const found: Source[] = []
  walk(expression, around, what, false, found)
  return found
}

function walk(value: unknown, around: Around, what: Direct | Indirect, masking: boolean, found: Source[]): void {
  around.work.spend(1)
  if (Array.isArray(value)) {
    for (const item of value) walk(item, around, what, masking, found)
    return
  }
  if (typeof value !== 'object' || value === null) return
  const take = (sources: readonly Source[]): void => {
    around.work.spend(sources.length)
    found.push(...sources.map((source) => through(source, what, masking)))
  }
  const deeper = (inner: unknown, as: Direct | Indirect = transformed(what)) => walk(inner, around, as, masking, found)
  for (const [kind, body] of Object.entries(value)) {
    switch (kind) {
      case 'Identifier':
        take(around.scope.resolve([identifier(body) ?? ''], around.aliasesFirst))
        break
      case 'CompoundIdentifier':
        take(around.scope.resolve(list(body).map((part) => identifier(part) ?? '')))
        break
      case 'CompoundFieldAccess':
        fieldAccess(tree(body), around, what, masking, found)
        break
      case 'Nested':
        deeper(body, what)
        break
      case 'Function':
        call(tree(body), around, what, masking, found)
        break
      case 'Case':
        choose(tree(body), deeper)
        break
      case 'Lambda': {
        const { params, body: inner } = tree(body)
        const [, names] = variant(params)
        const bound = (Array.isArray(names) ? names : [names]).flatMap(
          (each) => identifier(each) ?? identifier(tree(each).name) ?? [],
        )
        walk(inner, { ...around, scope: around.scope.binding(bound) }, transformed(what), masking, found)
        break
      }
      case 'Subquery':
      case 'Exists':
      case 'InSubquery': {
        const { subquery = body, expr } = tree(body)
        const { columns, over } = around.subquery(subquery, around.scope)
        if (kind === 'Exists') found.push(...columns.flatMap(({ sources }) => sources.map((s) => through(s, 'FILTER'))))
        else take(columns.flatMap(({ sources }) => sources))
        found.push(...over)
        if (expr) deeper(expr)
        break
      }
      case 'Value':
      case 'TypedString':
      case 'data_type':
      case 'span':
      case 'name':
      case 'Wildcard':
      case 'QualifiedWildcard':
        break
      default:
        if (typeof body === 'object') deeper(body)
    }
  }
}

function transformed(what: Direct | Indirect): Direct | Indirect {
  return what === 'IDENTITY' ? 'TRANSFORMATION' : what
}

/** `table.column.field`, `column[1].field`: what stands first is the column. */
function fieldAccess(body: Tree, around: Around, what: Direct | Indirect, masking: boolean, found: Source[]): void {
  const parts: string[] = []
  let root = body.root
  const first = identifier(tree(root).Identifier)
  const access = list(body.access_chain)
  const names = list(tree(root).CompoundIdentifier).map((part) => identifier(part) ?? '')
  if (first !== undefined || names.length > 0) {
    parts.push(...(first === undefined ? names : [first]))
    for (const step of access) {
      const name = identifier(tree(tree(step).Dot).Identifier)
      if (name === undefined) break
      parts.push(name)
    }
    root = { CompoundIdentifier: parts.map((value) => ({ value })) }
  }
  walk(root, around, transformed(what), masking, found)
  for (const step of access)
    if (tree(step).Subscript) walk(tree(step).Subscript, around, transformed(what), masking, found)
}

const aggregates = new Set(
  'sum count avg min max mean median mode stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp'
    .concat(' array_agg string_agg group_concat listagg json_agg jsonb_agg json_object_agg object_agg collect_list')
    .concat(
      ' collect_set any_value first last arg_min arg_max min_by max_by bool_and bool_or every count_if countif sum_if',
    )
    .concat(' sumif approx_count_distinct approx_distinct percentile percentile_cont percentile_disc approx_percentile')
    .concat(' approx_quantiles bit_and bit_or bit_xor logical_and logical_or quantile histogram')
    .split(' '),
)
const masks =
  /^(md5|sha|sha1|sha2|sha224|sha256|sha384|sha512|hash|xxhash64|murmur_hash|farm_fingerprint|crc32|hmac|mask|mask_.*|.*_mask|md5_.*|sha[12]_.*|to_hex_md5|encrypt|aes_encrypt|anonymize|redact|tokenize)$/

function call(body: Tree, around: Around, what: Direct | Indirect, masking: boolean, found: Source[]): void {
  const name = folded(objectName(body.name).at(-1) ?? '')
  const given = tree(tree(body.args).List)
  const values = [...list(given.args), ...list(tree(tree(body.parameters).List).args)]
  const masked = masking || masks.test(name)
  const as = isDirect({ what }) && aggregates.has(name) ? 'AGGREGATION' : transformed(what)
  for (const [i, value] of values.entries()) {
    const condition = i === 0 && (name === 'if' || name === 'iff')
    walk(argument(value), around, condition ? decides(what) : as, masked, found)
  }
  for (const clause of list(given.clauses)) {
    const [kind, inside] = variant(clause)
    if (kind === 'OrderBy') walk(inside, around, isDirect({ what }) ? 'SORT' : what, false, found)
  }
  const subquery = tree(body.args).Subquery
  if (subquery) walk({ Subquery: subquery }, around, as, masked, found)
  walk(body.filter, around, decides(what), false, found)
  walk(body.within_group, around, as, masked, found)
  if (body.over) windowOf(body.over, around, what, found)
}

function windowOf(over: unknown, around: Around, what: Direct | Indirect, found: Source[]): void {
  const [kind, body] = variant(over)
  const name = kind === 'NamedWindow' ? identifier(body) : identifier(tree(body).window_name)
  const named = name === undefined ? undefined : around.windows.get(folded(name))
  // A window that is made from another: each name is followed once, so that a circle ends.
  const rest = new Map([...around.windows].filter(([key]) => key !== folded(name ?? '')))
  if (named !== undefined) windowOf(named, { ...around, windows: rest }, what, found)
  if (kind !== 'WindowSpec') return
  const { partition_by, order_by } = tree(body)
  const as = isDirect({ what }) ? 'WINDOW' : what
  walk([partition_by, list(order_by).map((each) => tree(each).expr)], around, as, false, found)
}

function argument(value: unknown): unknown {
  const [kind, body] = variant(value)
  const inner = kind === 'Named' || kind === 'ExprNamed' ? tree(body).arg : body
  return tree(inner).Expr
}

function choose(body: Tree, deeper: (inner: unknown, as?: Direct | Indirect) => void): void {
  deeper(body.operand, 'CONDITIONAL')
  for (const each of list(body.conditions)) {
    deeper(tree(each).condition, 'CONDITIONAL')
    deeper(tree(each).result)
  }
  deeper(body.else_result)
}

function decides(what: Direct | Indirect): Indirect {
  return isDirect({ what }) ? 'CONDITIONAL' : (what as Indirect)
}
