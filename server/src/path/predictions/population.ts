// Which predictions a question is about, held in some forty bytes each, and a sample of them that the seed decides.
import { Fault } from '../../fault.ts'
import type { FoundPrediction, PredictionFilter, PredictionRef, PredictionSource } from './enumeration.ts'

/** Looks at content, where the tables cannot decide. */
export type Keep = (ref: PredictionRef, found: FoundPrediction) => boolean

export interface Drawn {
  /** How many predictions the question is about. */
  population: number
  /** How many of them were drawn. */
  sampled: number
  /**
   * Those drawn, at most `most` at a time, each time of one model version and one snapshot. Of a snapshot they come in the
   * order of their subjects, in which its rows and events lie on the disk.
   */
  chunks(most: number): Iterable<{ model: string; snapshot: number | undefined; refs: PredictionRef[] }>
}

/** How many predictions are opened at a time. */
const OPENED = 1_000

/**
 * Walks over all predictions that the filter lets through and draws `sample` of them, or all. Whether one is drawn depends
 * on the seed and its own place only: those with the smallest hashes are. So the sample is the same in whatever order they
 * come, and one prediction more changes one of the sample at most.
 */
export async function draw(
  source: PredictionSource,
  filter: PredictionFilter,
  options: { sample?: number | undefined; seed: number; keep?: Keep | undefined; onWalk?: (walked: number) => void },
): Promise<Drawn> {
  const { sample = Infinity, seed, keep, onWalk } = options
  const list = new RefList()
  let population = 0
  let walked = 0
  for await (const page of source.refs(filter)) {
    for (let at = 0; at < page.length; at += OPENED) {
      const refs = page.slice(at, at + OPENED)
      const found = keep && (await source.open(refs))
      for (const [i, ref] of refs.entries()) {
        if (keep && !keep(ref, found![i]!)) continue
        population++
        list.add(ref, sample === Infinity ? 0 : placeHash(seed, ref.seq, ref.row ?? -1))
      }
      if (list.length > 2 * sample + OPENED) list.keepSmallest(sample)
      walked += refs.length
      onWalk?.(walked)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  list.keepSmallest(sample)
  return { population, sampled: list.length, chunks: (most) => list.chunks(most) }
}

/** A number from 0 to 2^53 that looks drawn at random: two rounds of the finaliser of MurmurHash3 over the place. */
export function placeHash(seed: number, seq: number, row: number): number {
  const mix = (start: number): number => {
    let hash = start >>> 0
    for (const word of [seq >>> 0, Math.floor(seq / 2 ** 32), row | 0, seed | 0, Math.floor(seed / 2 ** 32)]) {
      hash = Math.imul(hash ^ word, 0xcc9e2d51)
      hash ^= hash >>> 16
      hash = Math.imul(hash, 0x85ebca6b)
      hash ^= hash >>> 13
      hash = Math.imul(hash, 0xc2b2ae35)
      hash ^= hash >>> 16
    }
    return hash >>> 0
  }
  return mix(0x9747b28c) * 2 ** 21 + (mix(0x3c6ef372) >>> 11)
}

const SUBJECT = 16

/** Places of predictions in typed arrays: a million are some forty megabytes, where objects would be two hundred. */
class RefList {
  length = 0
  #seqs = new Float64Array(1024)
  #rows = new Float64Array(1024)
  #hashes = new Float64Array(1024)
  #groups = new Int32Array(1024)
  #subjects = Buffer.alloc(1024 * SUBJECT)
  readonly #named: { model: string; snapshot: number | undefined }[] = []
  readonly #numbers = new Map<string, number>()

  add({ seq, row, model, snapshot, subject }: PredictionRef, hash: number): void {
    const at = this.length++
    if (at === this.#seqs.length) this.#grow()
    this.#seqs[at] = seq
    this.#rows[at] = row ?? -1
    this.#hashes[at] = hash
    const key = `${model}\0${snapshot ?? ''}`
    let group = this.#numbers.get(key)
    if (group === undefined) {
      group = this.#named.push({ model, snapshot }) - 1
      this.#numbers.set(key, group)
    }
    this.#groups[at] = group
    if (subject === undefined) this.#subjects.fill(0, at * SUBJECT, (at + 1) * SUBJECT)
    else if (this.#subjects.write(subject, at * SUBJECT, SUBJECT, 'hex') !== SUBJECT)
      throw new Fault('internal', 'the subject of a prediction is no id of 32 hex digits')
  }

  /** Drops all but those with the `n` smallest hashes; of equal ones the first. */
  keepSmallest(n: number): void {
    if (this.length <= n) return
    const order = Uint32Array.from({ length: this.length }, (_, at) => at)
    order.sort((a, b) => this.#hashes[a]! - this.#hashes[b]! || a - b)
    const kept = order.slice(0, n).sort()
    for (const [to, from] of kept.entries()) {
      this.#seqs[to] = this.#seqs[from]!
      this.#rows[to] = this.#rows[from]!
      this.#hashes[to] = this.#hashes[from]!
      this.#groups[to] = this.#groups[from]!
      this.#subjects.copy(this.#subjects, to * SUBJECT, from * SUBJECT, (from + 1) * SUBJECT)
    }
    this.length = n
  }

  *chunks(most: number): Generator<{ model: string; snapshot: number | undefined; refs: PredictionRef[] }> {
    const order = Uint32Array.from({ length: this.length }, (_, at) => at)
    order.sort(
      (a, b) =>
        this.#groups[a]! - this.#groups[b]! ||
        this.#subjects.compare(this.#subjects, b * SUBJECT, (b + 1) * SUBJECT, a * SUBJECT, (a + 1) * SUBJECT) ||
        this.#seqs[a]! - this.#seqs[b]! ||
        this.#rows[a]! - this.#rows[b]!,
    )
    for (let from = 0; from < order.length;) {
      const group = this.#groups[order[from]!]!
      let to = from
      while (to < order.length && to - from < most && this.#groups[order[to]!] === group) to++
      const named = this.#named[group]!
      yield { ...named, refs: Array.from(order.subarray(from, to), (at) => this.#ref(at, named)) }
      from = to
    }
  }

  #ref(at: number, { model, snapshot }: { model: string; snapshot: number | undefined }): PredictionRef {
    const subject = this.#subjects.toString('hex', at * SUBJECT, (at + 1) * SUBJECT)
    const row = this.#rows[at]!
    return {
      seq: this.#seqs[at]!,
      model,
      ...(row < 0 ? {} : { row }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(/^0*$/.test(subject) ? {} : { subject }),
    }
  }

  #grow(): void {
    const twice = <A extends Float64Array | Int32Array | Buffer>(old: A, made: A): A => {
      made.set(old)
      return made
    }
    this.#seqs = twice(this.#seqs, new Float64Array(2 * this.#seqs.length))
    this.#rows = twice(this.#rows, new Float64Array(2 * this.#rows.length))
    this.#hashes = twice(this.#hashes, new Float64Array(2 * this.#hashes.length))
    this.#groups = twice(this.#groups, new Int32Array(2 * this.#groups.length))
    this.#subjects = twice(this.#subjects, Buffer.alloc(2 * this.#subjects.length))
  }
}
