// A document of W3C PROV in JSON (https://www.w3.org/submissions/prov-json/), whoever fills it.

/** A text, or one of another type: `{ $: 'prov:Plan', type: 'prov:QUALIFIED_NAME' }`. */
export type ProvValue = string | { readonly $: string; readonly type: string }
export type ProvValues = Record<string, ProvValue>

const sections = [
  'entity',
  'activity',
  'agent',
  'used',
  'wasGeneratedBy',
  'wasDerivedFrom',
  'wasAttributedTo',
  'wasAssociatedWith',
  'actedOnBehalfOf',
  'wasInformedBy',
  'wasInvalidatedBy',
  'wasInfluencedBy',
  'specializationOf',
] as const
export type ProvSection = (typeof sections)[number]

/** What was put in first stands first; what is put in again stands once. */
export class ProvWriter {
  readonly #sections = new Map<ProvSection, Map<string, ProvValues>>(sections.map((name) => [name, new Map()]))
  readonly #numbers = new Map<string, number>()

  put(section: ProvSection, id: string, values: ProvValues): void {
    this.#sections.get(section)!.set(id, values)
  }

  /** As `put`, unless something is there already. */
  putNew(section: ProvSection, id: string, values: ProvValues): void {
    if (!this.#sections.get(section)!.has(id)) this.put(section, id, values)
  }

  /** Relations are named by what they say, so that each is there once. */
  relate(section: ProvSection, values: ProvValues): void {
    this.put(section, `_:${section}${this.#numberOf(section, JSON.stringify(values))}`, values)
  }

  #numberOf(section: string, what: string): number {
    const key = `${section} ${what}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    this.#numbers.set(key, this.#numbers.size)
    return this.#numbers.size - 1
  }

  *text(): Generator<string> {
    yield '{"prefix":{"whence":"urn:whence:prov:"}'
    for (const [name, entries] of this.#sections) {
      if (entries.size === 0) continue
      yield `,\n"${name}":{`
      let first = true
      for (const [id, values] of entries) {
        yield `${first ? '' : ','}\n${JSON.stringify(id)}:${JSON.stringify(values)}`
        first = false
      }
      yield '}'
    }
    yield '}\n'
  }
}

/** A name of PROV's own as a value: `prov:Plan`. */
export function provType(name: `prov:${string}`): ProvValue {
  return { $: name, type: 'prov:QUALIFIED_NAME' }
}

/**
 * A qualified name, whatever the parts hold: all but letters, digits, `_` and `-` stands percent-encoded as UTF-8, which
 * local names of PROV allow; a dot separates.
 */
export function qualified(kind: string, ...parts: readonly string[]): string {
  return `whence:${[kind, ...parts.map(encoded)].join('.')}`
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[.!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
