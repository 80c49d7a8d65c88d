/**
 * Finds the record that has an identity (16 bytes). Exact, in memory: 16 bytes a record and a table of positions, so that
 * ten million records take about 300 MB.
 */
export class Identities {
  #chunks: Buffer[] = []
  #table = new Int32Array(1 << 12)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The position of the record with this identity, or undefined. */
  find(identity: Uint8Array): number | undefined {
    const mask = this.#table.length - 1
    for (let at = start(identity) & mask; ; at = (at + 1) & mask) {
      const seq = this.#table[at]! - 1
      if (seq < 0) return undefined
      if (this.#equals(seq, identity)) return seq
    }
  }

  /** Adds the identity of the next record: positions are given in order, from 0. */
  add(identity: Uint8Array): void {
    const seq = this.#count
    if (seq % CHUNK === 0) this.#chunks.push(Buffer.allocUnsafe(CHUNK * 16))
    this.#chunks[Math.floor(seq / CHUNK)]!.set(identity, (seq % CHUNK) * 16)
    this.#count++
    if (this.#count * 5 > this.#table.length * 3) this.#grow()
    else this.#place(seq, identity)
  }

  #place(seq: number, identity: Uint8Array): void {
    const mask = this.#table.length - 1
    let at = start(identity) & mask
    while (this.#table[at] !== 0) at = (at + 1) & mask
    this.#table[at] = seq + 1
  }

  #grow(): void {
    this.#table = new Int32Array(this.#table.length * 2)
    for (let seq = 0; seq < this.#count; seq++) {
      const at = (seq % CHUNK) * 16
      this.#place(seq, this.#chunks[Math.floor(seq / CHUNK)]!.subarray(at, at + 16))
    }
  }

  #equals(seq: number, identity: Uint8Array): boolean {
    const chunk = this.#chunks[Math.floor(seq / CHUNK)]!
    const at = (seq % CHUNK) * 16
    for (let i = 0; i < 16; i++) if (chunk[at + i] !== identity[i]) return false
    return true
  }
}

const CHUNK = 1 << 16

function start(identity: Uint8Array): number {
  return identity[0]! | (identity[1]! << 8) | (identity[2]! << 16) | (identity[3]! << 24)
}
