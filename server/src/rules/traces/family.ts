// The spans of a trace as a family. Parents may be absent, ids may be taken twice, and a hostile trace goes in circles.
export interface Member {
  readonly span: string
  readonly parent?: string | undefined
}

/** Ancestors that are looked at: no agent calls deeper, and a hostile trace would have each span look at all others. */
const HIGHEST = 256

export class Family<T extends Member> {
  readonly #byId = new Map<string, T>()
  readonly #children = new Map<string, T[]>()

  constructor(spans: Iterable<T>) {
    for (const span of spans) {
      if (!this.#byId.has(span.span)) this.#byId.set(span.span, span)
      if (span.parent === undefined) continue
      const siblings = this.#children.get(span.parent)
      if (siblings) siblings.push(span)
      else this.#children.set(span.parent, [span])
    }
  }

  /** Its ancestors, the nearest first, as far as they are known. */
  *above(span: T): Generator<T, void, undefined> {
    const seen = new Set<string>([span.span])
    for (let id = span.parent; id !== undefined && !seen.has(id) && seen.size <= HIGHEST;) {
      seen.add(id)
      const parent = this.#byId.get(id)
      if (!parent) return
      yield parent
      id = parent.parent
    }
  }

  /** It and its descendants, but for those at which `stop` says so and what is below them. */
  *within(span: T, stop: (descendant: T) => boolean = () => false): Generator<T, void, undefined> {
    const seen = new Set<T>([span])
    const waiting = [span]
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      yield next
      for (const child of this.#children.get(next.span) ?? []) {
        if (seen.has(child) || stop(child)) continue
        seen.add(child)
        waiting.push(child)
      }
    }
  }

  children(span: T): readonly T[] {
    return this.#children.get(span.span) ?? []
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }
}
