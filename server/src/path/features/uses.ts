// Which columns of its stream a feature uses, and what for: read from its expression, not guessed from its text.
import type { Session } from '../../store/columns.ts'
import { functionKind } from './functions.ts'
import { readExpression } from './syntax.ts'
import type { Expression } from './syntax.ts'
import type { Feature } from './view.ts'

export type Purpose = 'value' | 'condition' | 'filter' | 'order' | 'window' | 'subject'

export interface ColumnUse {
  /** A column of the stream's contract, in lower case; or `time` or `subject`. */
  readonly column: string
  /** `value`: its values arrive in the feature. Otherwise it decides which events count, or in which order. */
  readonly purpose: Purpose
}

/** Every column that a feature uses, each once for each purpose. Throws `invalid` for what is no expression. */
export async function usesOf(session: Session, feature: Feature): Promise<ColumnUse[]> {
  const found = new Map<string, ColumnUse>()
  const note = (column: string, purpose: Purpose): void => void found.set(`${purpose} ${column}`, { column, purpose })
  const place = (): string => `${feature.place}: feature ${feature.name}`
  collect(await readExpression(session, feature.expr, place), 'value', note)
  if (feature.filter !== undefined) collect(await readExpression(session, feature.filter, place), 'filter', note)
  // Every event counts for whom it is about, and from when it happened on.
  note('subject', 'subject')
  note('time', 'window')
  return [...found.values()]
}

function collect(node: Expression, purpose: Purpose, note: (column: string, purpose: Purpose) => void): void {
  const go = (inner: Expression, why: Purpose = purpose): void => collect(inner, why, note)
  switch (node.is) {
    case 'constant':
      return
    case 'column': {
      const [first = '', second] = node.path
      const column = (second === undefined ? first : second).toLowerCase()
      if (second === undefined && (column === 'as_of' || column === 'seq' || column === 'known')) return
      note(column, purpose)
      return
    }
    case 'call': {
      // arg_max(value, by): the second argument picks, the first arrives.
      const picking = functionKind(node.name)
      const picks = typeof picking === 'object' && picking.aggregate === 'picking' && node.of.length > 1
      node.of.forEach((each, i) => go(each, picks && i > 0 && purpose === 'value' ? 'order' : purpose))
      if (node.filter) go(node.filter, 'filter')
      for (const { by } of node.order) go(by, 'order')
      return
    }
    case 'case':
      for (const { condition, then } of node.when) {
        go(condition, purpose === 'value' ? 'condition' : purpose)
        go(then)
      }
      go(node.otherwise)
      return
    case 'compare':
      go(node.left)
      go(node.right)
      return
    case 'between':
      go(node.input)
      go(node.lower)
      go(node.upper)
      return
    case 'junction':
    case 'operator':
      for (const each of node.of) go(each)
      return
    case 'cast':
      go(node.of)
  }
}
