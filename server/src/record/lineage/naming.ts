// Names as small numbers, in the order of their first appearance.
import type { Transaction } from '../../store/database.ts'
import type { Name, NodeKind } from './statement.ts'
import { nodeId } from './statement.ts'
import { keyOf, stored } from './stored.ts'

interface NewNode {
  id: number
  key: string
  name: Name
  field: string | undefined
  owner: number | undefined
  appeared: number
}

/** The names that a batch touches: those that are known, and those that it brings. */
export class Naming {
  readonly #ids = new Map<string, number>()
  /** Ids of nodes by the very object that names them: a batch asks for each many times. */
  readonly #texts = new Map<Name, string>()
  readonly #keys = new Map<string, string>()
  readonly #new: NewNode[] = []
  #next: number

  constructor(next: number) {
    this.#next = next
  }

  /** Looks up what may be known already: names, and fields of them. */
  async load(tx: Transaction, wanted: Iterable<readonly [name: Name, field?: string]>): Promise<void> {
    const texts = new Map<string, string>()
    for (const [name, field] of wanted) {
      const text = this.#text(name, field)
      if (this.#keys.has(text)) continue
      const key = keyOf(text)
      this.#keys.set(text, key)
      texts.set(key, text)
    }
    if (texts.size === 0) return
    const rows = await tx.query<{ id: number; key: Uint8Array }>(
      'select id, key from lineage_node where key = any($1::bytea[])',
      [[...texts.keys()].map((key) => Buffer.from(key, 'hex'))],
    )
    for (const { id, key } of rows) this.#ids.set(texts.get(Buffer.from(key).toString('hex'))!, id)
  }

  known(name: Name): number | undefined {
    return this.#ids.get(this.#text(name))
  }

  /** The number of a name, a new one where it is new. It must have been looked up. */
  of(name: Name, seq: number, field?: string): number {
    const text = this.#text(name, field)
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const owner = field === undefined ? undefined : this.of(name, seq)
    const id = this.#next++
    this.#ids.set(text, id)
    this.#new.push({ id, key: this.#keys.get(text) ?? keyOf(text), name, field, owner, appeared: seq })
    return id
  }

  #text(name: Name, field?: string): string {
    if (field !== undefined) return nodeId(name, field)
    let text = this.#texts.get(name)
    if (text === undefined) this.#texts.set(name, (text = nodeId(name)))
    return text
  }

  async write(tx: Transaction): Promise<void> {
    if (this.#new.length === 0) return
    await tx.copy(
      'lineage_node',
      [
        { name: 'id', type: 'int4' },
        { name: 'key', type: 'bytea' },
        { name: 'kind', type: 'text' },
        { name: 'namespace', type: 'text' },
        { name: 'name', type: 'text' },
        { name: 'field', type: 'text' },
        { name: 'owner', type: 'int4' },
        { name: 'appeared', type: 'int8' },
      ],
      this.#new.map(({ id, key, name, field, owner, appeared }) => [
        id,
        Buffer.from(key, 'hex'),
        name.kind satisfies NodeKind,
        stored(name.namespace),
        stored(name.name),
        field === undefined ? null : stored(field),
        owner ?? null,
        appeared,
      ]),
    )
  }
}
