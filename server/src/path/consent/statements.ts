// What people said of consent and objection, in memory: about 70 bytes a statement and 30 a person, so that a million
// people with one statement each take about 100 MB and are answered for without a table.
import type { ConsentState, LawfulBasis } from '@whence/sdk'
import { ConsentState as States, LawfulBasis as Bases } from '@whence/sdk'
import { purposes } from '../../rules/consent/objection.ts'
import type { Said } from '../../rules/consent/objection.ts'
import type { ConsentSaid, History } from '../../rules/consent/judge.ts'

/** Names a receipt that is on record, where its id is a UUID; else its record has to be opened. */
export interface ReceiptName {
  /** 32 hex digits. */
  readonly id?: string | undefined
  readonly version: number
}

export type HeldConsent = ConsentSaid & { readonly receipt: ReceiptName }

interface HeldHistory extends History {
  readonly consents: readonly HeldConsent[]
}

const CHUNK = 1 << 14
const states: readonly ConsentState[] = States.options
const bases: readonly LawfulBasis[] = Bases.options
/** Kinds of statements beyond the states of consent. */
const [OBJECTS, TAKES_BACK] = [100, 101]

/** Statements as columns. Zeros in a text column: it has none. */
interface Chunk {
  /** Place + 1 of the person's statement before this one. */
  readonly before: Uint32Array
  readonly seq: Float64Array
  readonly time: Float64Array
  /** Infinity: without end. */
  readonly until: Float64Array
  readonly kind: Uint8Array
  readonly basis: Uint8Array
  readonly purpose: Uint32Array
  readonly channel: Uint32Array
  readonly jurisdiction: Uint32Array
  readonly notice: Uint32Array
  readonly receipt: Buffer
  readonly version: Int32Array
}

export class Statements {
  readonly #chunks: Chunk[] = []
  #count = 0
  readonly #people = new People()
  /** The few words that statements share: purposes, channels, places, versions of notices. */
  readonly #words: string[] = ['']
  readonly #places = new Map<string, number>([['', 0]])

  /** Statements ever added. */
  get count(): number {
    return this.#count
  }

  addConsent(subject: string, said: HeldConsent): void {
    const { chunk, at } = this.#add(subject, said)
    chunk.kind[at] = states.indexOf(said.state)
    chunk.basis[at] = bases.indexOf(said.basis)
    chunk.purpose[at] = this.#word(said.purpose)
    chunk.jurisdiction[at] = this.#word(said.jurisdiction)
    chunk.notice[at] = this.#word(said.notice)
    chunk.until[at] = said.until ?? Infinity
    if (said.receipt.id !== undefined) chunk.receipt.write(said.receipt.id, at * 16, 'hex')
    chunk.version[at] = said.receipt.version
  }

  addObjection(subject: string, said: Said): void {
    const { chunk, at } = this.#add(subject, said)
    chunk.kind[at] = said.withdrawn ? TAKES_BACK : OBJECTS
    chunk.purpose[at] = purposes.indexOf(said.purpose)
  }

  /** What a person said in records before `asOf`, the newest record first. */
  of(subject: string, asOf = Infinity): HeldHistory {
    const consents: HeldConsent[] = []
    const objections: Said[] = []
    for (let next = this.#people.newest(subject); next > 0;) {
      const chunk = this.#chunks[Math.floor((next - 1) / CHUNK)]!
      const at = (next - 1) % CHUNK
      next = chunk.before[at]!
      const [seq, time, kind] = [chunk.seq[at]!, chunk.time[at]!, chunk.kind[at]!]
      if (seq >= asOf) continue
      const channel = this.#text(chunk.channel[at]!)
      if (kind === OBJECTS || kind === TAKES_BACK) {
        objections.push({ seq, time, purpose: purposes[chunk.purpose[at]!]!, withdrawn: kind === TAKES_BACK, channel })
        continue
      }
      const until = chunk.until[at]!
      const id = chunk.receipt.subarray(at * 16, at * 16 + 16)
      consents.push({
        seq,
        time,
        channel,
        purpose: this.#words[chunk.purpose[at]!]!,
        state: states[kind]!,
        basis: bases[chunk.basis[at]!]!,
        jurisdiction: this.#text(chunk.jurisdiction[at]!),
        notice: this.#text(chunk.notice[at]!),
        until: until === Infinity ? undefined : until,
        receipt: { id: id.every((byte) => byte === 0) ? undefined : id.toString('hex'), version: chunk.version[at]! },
      })
    }
    return { consents, objections }
  }

  forget(subject: string): void {
    for (let next = this.#people.forget(subject); next > 0;) {
      const chunk = this.#chunks[Math.floor((next - 1) / CHUNK)]!
      const at = (next - 1) % CHUNK
      next = chunk.before[at]!
      for (const column of Object.values(chunk) as (Float64Array | Buffer)[])
        if (column === chunk.receipt) column.fill(0, at * 16, at * 16 + 16)
        else column[at] = 0
    }
  }

  #add(
    subject: string,
    { seq, time, channel }: { seq: number; time: number; channel?: string | undefined },
  ): { chunk: Chunk; at: number } {
    const at = this.#count % CHUNK
    if (at === 0) this.#chunks.push(emptyChunk())
    const chunk = this.#chunks.at(-1)!
    chunk.before[at] = this.#people.follow(subject, ++this.#count)
    chunk.seq[at] = seq
    chunk.time[at] = time
    chunk.channel[at] = this.#word(channel)
    return { chunk, at }
  }

  #word(text = ''): number {
    const known = this.#places.get(text)
    if (known !== undefined) return known
    const place = this.#words.push(text) - 1
    this.#places.set(text, place)
    return place
  }

  #text(place: number): string | undefined {
    return place === 0 ? undefined : this.#words[place]
  }
}

function emptyChunk(): Chunk {
  return {
    before: new Uint32Array(CHUNK),
    seq: new Float64Array(CHUNK),
    time: new Float64Array(CHUNK),
    until: new Float64Array(CHUNK),
    kind: new Uint8Array(CHUNK),
    basis: new Uint8Array(CHUNK),
    purpose: new Uint32Array(CHUNK),
    channel: new Uint32Array(CHUNK),
    jurisdiction: new Uint32Array(CHUNK),
    notice: new Uint32Array(CHUNK),
    receipt: Buffer.alloc(CHUNK * 16),
    version: new Int32Array(CHUNK),
  }
}

/** The newest statement of each person, by their subject id: open addressing by its first bytes, which are random. */
class People {
  #ids = Buffer.alloc(1024 * 16)
  #newest = new Uint32Array(1024)
  #count = 0
  #table = new Int32Array(2048)

  /** Place + 1 of a person's newest statement; 0: there is none. */
  newest(subject: string): number {
    const found = this.#find(Buffer.from(subject, 'hex'))
    return found === undefined ? 0 : this.#newest[found]!
  }

  /** Notes a newer statement; gives the one before it. */
  follow(subject: string, statement: number): number {
    const id = Buffer.from(subject, 'hex')
    const person = this.#find(id) ?? this.#take(id)
    const before = this.#newest[person]!
    this.#newest[person] = statement
    return before
  }

  /** Forgets a person; gives what was their newest statement. */
  forget(subject: string): number {
    const found = this.#find(Buffer.from(subject, 'hex'))
    if (found === undefined) return 0
    const newest = this.#newest[found]!
    this.#newest[found] = 0
    // Its place in the table stays taken, or what was placed behind it would not be found.
    this.#ids.fill(0, found * 16, found * 16 + 16)
    return newest
  }

  #find(id: Buffer): number | undefined {
    if (id.length !== 16 || id.every((byte) => byte === 0)) return undefined
    const mask = this.#table.length - 1
    for (let place = id.readUInt32LE(0) & mask; ; place = (place + 1) & mask) {
      const person = this.#table[place]! - 1
      if (person < 0) return undefined
      if (this.#ids.compare(id, 0, 16, person * 16, person * 16 + 16) === 0) return person
    }
  }

  #take(id: Buffer): number {
    const person = this.#count++
    if (person === this.#newest.length) {
      this.#ids = Buffer.concat([this.#ids, Buffer.alloc(this.#ids.length)])
      const newest = new Uint32Array(person * 2)
      newest.set(this.#newest)
      this.#newest = newest
    }
    id.copy(this.#ids, person * 16)
    if (this.#count * 5 <= this.#table.length * 3) this.#place(person)
    else {
      this.#table = new Int32Array(this.#table.length * 2)
      for (let each = 0; each < this.#count; each++) if (!this.#isForgotten(each)) this.#place(each)
    }
    return person
  }

  #isForgotten(person: number): boolean {
    return this.#ids.subarray(person * 16, person * 16 + 16).every((byte) => byte === 0)
  }

  #place(person: number): void {
    const mask = this.#table.length - 1
    let place = this.#ids.readUInt32LE(person * 16) & mask
    while (this.#table[place] !== 0) place = (place + 1) & mask
    this.#table[place] = person + 1
  }
}
