// The fields that a schema facet names.
import type { Name } from './statement.ts'

/** In UTF-16 units, of the whole path. */
export const LONGEST_FIELD = 4000
/** Fields of one schema. */
export const MOST_FIELDS = 100_000
/** What the names of the fields that one event brings may come to: each is kept with the name of its dataset. */
export const MOST_TEXT = 64 * 1024 * 1024

/** Characters that a field takes where it is kept. */
export function sizeOf({ namespace, name }: Name, field: string): number {
  return namespace.length + name.length + field.length
}

/** Nested ones as `outer.inner`. What is longer, or more, is left out, with what is in it; `leftOut` hears of it. */
export function schemaFields(
  of: Name,
  body: unknown,
  leftOut: (name: string, why: 'long' | 'many') => void = () => {},
): string[] {
  const names: string[] = []
  let text = 0
  const collect = (fields: unknown, prefix: string): boolean => {
    if (!Array.isArray(fields)) return true
    for (const field of fields as ({ name?: unknown; fields?: unknown } | null)[]) {
      if (typeof field?.name !== 'string' || field.name === '') continue
      if (prefix.length + field.name.length > LONGEST_FIELD) {
        leftOut(field.name, 'long')
        continue
      }
      const name = prefix + field.name
      text += sizeOf(of, name)
      if (names.length === MOST_FIELDS || text > MOST_TEXT) {
        leftOut(name, 'many')
        return false
      }
      names.push(name)
      if (!collect(field.fields, `${name}.`)) return false
    }
    return true
  }
  collect((body as { fields?: unknown } | null)?.fields, '')
  return names
}
