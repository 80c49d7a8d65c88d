// A syntax tree as the parser hands it over: its enums are objects of one key, or texts. Read without trusting its shape.

export type Tree = Readonly<Record<string, unknown>>

export function tree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The variant of an enum and what it holds. */
export function variant(value: unknown): [name: string, body: unknown] {
  if (typeof value === 'string') return [value, undefined]
  const [entry] = Object.entries(tree(value))
  return entry ?? ['', undefined]
}

/** The text of an identifier, or undefined. */
export function identifier(value: unknown): string | undefined {
  const { value: text } = tree(value)
  return typeof text === 'string' ? text : undefined
}

/** The parts of an object's name: `a.b.c`, where a dot within quotes separates too, as BigQuery has it. */
export function objectName(value: unknown): string[] {
  return list(value).flatMap((part) => (identifier(tree(part).Identifier) ?? identifier(part) ?? '').split('.'))
}

/** Names are compared without regard to case: which dialect folds which way is rarely known. */
export function folded(name: string): string {
  return name.toLowerCase()
}
