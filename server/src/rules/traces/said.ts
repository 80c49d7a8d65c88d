// Attributes, asked for by name. What is of another type than asked for counts as not said.
import type { Attributes, Value } from './span.ts'

export class Said {
  readonly #groups: readonly Attributes[]

  /** The first group that has a name holds. */
  constructor(...groups: Attributes[]) {
    this.#groups = groups
  }

  get(name: string): Value | undefined {
    for (const group of this.#groups) {
      const value = group.get(name)
      if (value !== undefined && value !== null) return value
    }
    return undefined
  }

  /** The first of these names that is text, and not empty. */
  text(...names: string[]): string | undefined {
    for (const name of names) {
      const value = this.get(name)
      if (typeof value === 'string' && value !== '') return value
    }
    return undefined
  }

  /** A list of texts; one text alone is a list too. */
  texts(name: string): string[] {
    const value = this.get(name)
    if (typeof value === 'string') return value === '' ? [] : [value]
    return Array.isArray(value) ? (value as Value[]).filter((item) => typeof item === 'string') : []
  }

  number(...names: string[]): number | undefined {
    for (const name of names) {
      const value = this.get(name)
      if (typeof value === 'number' && Number.isFinite(value)) return value
    }
    return undefined
  }

  numbers(name: string): number[] {
    const value = this.get(name)
    if (typeof value === 'number') return [value]
    return Array.isArray(value) ? (value as Value[]).filter((item) => typeof item === 'number') : []
  }

  flag(name: string): boolean {
    const value = this.get(name)
    return value === true || value === 'true'
  }

  /** What stands below a prefix, by the rest of its name. */
  below(prefix: string): Map<string, Value> {
    const found = new Map<string, Value>()
    for (const group of this.#groups.toReversed())
      for (const [name, value] of group)
        if (value !== null && name.startsWith(prefix)) found.set(name.slice(prefix.length), value)
    return found
  }
}
