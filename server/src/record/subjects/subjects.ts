// Subjects: who is meant by an identifier, without ever writing the identifier down.
import type { KeyStore, Slot } from '../../store/keys.ts'
import { hmacKey } from './hmac.ts'
import type { HmacKey } from './hmac.ts'
import { deriveKeys } from './seal.ts'
import type { SubjectKeys } from './seal.ts'

/** The holder of one key. `id` is 16 random bytes in hex. */
export interface Subject {
  readonly id: string
  readonly keys: SubjectKeys
}

export class Subjects {
  /** The key of record identities: see `identityOf`. */
  readonly idKey: HmacKey
  readonly #store: KeyStore
  readonly #limit: number
  /** Unwrapped keys, the least recently made first. */
  readonly #cache = new Map<string, Subject>()
  readonly #erasing = new Set<string>()
  /** Digests of identifiers met lately, to spare an HMAC an event. */
  readonly #lookups = new Map<string, string>()

  constructor(store: KeyStore, limit = 200_000) {
    this.#store = store
    this.idKey = hmacKey('sha256', store.idKey)
    this.#limit = limit
  }

  /** The subject of an identifier, made when first seen; 'erased' when it was erased. */
  mint(type: string, identifier: string): Subject | 'erased' {
    return this.#minted(this.#lookup(`${type}\0${identifier}`))
  }

  /** The key of a stream and day, for content whose subject cannot be read. `day`: days since 1970. */
  ofDay(stream: string, day: number): Subject | 'erased' {
    return this.#minted(this.#lookup(`\0day\0${stream}\0${day}`), day)
  }

  find(type: string, identifier: string): Subject | 'erased' | undefined {
    const slot = this.#store.find(this.#lookup(`${type}\0${identifier}`))
    return slot && this.#subject(slot)
  }

  /** As `find`, without unwrapping the key: the subject's id, or 'erased'. */
  idOf(type: string, identifier: string): string | undefined {
    const slot = this.#store.find(this.#lookup(`${type}\0${identifier}`))
    if (slot === undefined) return undefined
    return slot.state === 'destroyed' || this.#erasing.has(slot.id) ? 'erased' : slot.id
  }

  /** The subject with this id, or undefined when its key is destroyed or was never here. */
  byId(id: string): Subject | undefined {
    const cached = this.#cache.get(id)
    if (cached) return cached
    const slot = this.#store.findById(id)
    const subject = slot && this.#subject(slot)
    return subject === 'erased' ? undefined : subject
  }

  /** The slots whose keys an erasure of this identifier destroys. */
  slots(type: string, identifier: string): Slot[] {
    const slot = this.#store.find(this.#lookup(`${type}\0${identifier}`))
    return slot?.state === 'live' ? [slot] : []
  }

  /** From here on nothing is recorded about these subjects and nothing of them is opened; their keys are still there. */
  beginErasing(ids: readonly string[]): void {
    for (const id of ids) this.#erasing.add(id)
  }

  isErasing(id: string): boolean {
    return this.#erasing.has(id)
  }

  /** Whether the key is destroyed, or about to be. */
  isGone(id: string): boolean {
    return this.#erasing.has(id) || this.#store.findById(id) === undefined
  }

  /** Drops what memory holds of these subjects. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#cache.delete(id)
    this.#lookups.clear()
  }

  #minted(lookup: string, day?: number): Subject | 'erased' {
    const slot = this.#store.find(lookup)
    if (slot) return this.#subject(slot)
    const made = this.#store.mint(lookup, day)
    return this.#subject(made.slot, made.key)
  }

  #subject(slot: Slot, key?: Uint8Array): Subject | 'erased' {
    if (slot.state === 'destroyed' || this.#erasing.has(slot.id)) return 'erased'
    const cached = this.#cache.get(slot.id)
    if (cached) return cached
    const subject = { id: slot.id, keys: deriveKeys(key ?? this.#store.unwrap(slot)) }
    if (this.#cache.size >= this.#limit) this.#cache.delete(this.#cache.keys().next().value!)
    this.#cache.set(slot.id, subject)
    return subject
  }

  #lookup(text: string): string {
    let lookup = this.#lookups.get(text)
    if (lookup === undefined) {
      lookup = this.#store.lookup(text)
      if (this.#lookups.size >= this.#limit) this.#lookups.clear()
      this.#lookups.set(text, lookup)
    }
    return lookup
  }
}
