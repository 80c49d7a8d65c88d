// Reading protocol buffers on the wire (https://protobuf.dev/programming-guides/encoding): field after field, no schema.
import type { Fault } from '../../fault.ts'

/** Reads the fields of one message. Throws what `broken` makes of a reason. */
export class WireReader {
  readonly #bytes: Uint8Array
  readonly #broken: (why: string) => Fault
  #at = 0
  #wire = 0

  constructor(bytes: Uint8Array, broken: (why: string) => Fault) {
    this.#bytes = bytes
    this.#broken = broken
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** The number of the next field: `value`, or one of the readings of it, takes the field itself. */
  field(): number {
    const tag = Number(this.#varint())
    this.#wire = tag % 8
    return Math.floor(tag / 8)
  }

  /** The field as it stands: of a field that nobody asks about it is dropped. */
  value(): bigint | Uint8Array {
    if (this.#wire === 0) return this.#varint()
    if (this.#wire === 2) return this.#take(Number(this.#varint()))
    if (this.#wire === 1) return this.#take(8)
    if (this.#wire === 5) return this.#take(4)
    throw this.#broken(`it has a field of the unknown wire type ${this.#wire}`)
  }

  /** A text or a message. */
  bytes(): Uint8Array {
    if (this.#wire !== 2) throw this.#broken('a text or a message in it is none')
    return this.value() as Uint8Array
  }

  /** Text; what is no UTF-8 in it reads as U+FFFD. */
  text(): string {
    const bytes = this.bytes()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  /** An integer of varint form, signed. */
  integer(): bigint {
    if (this.#wire !== 0) throw this.#broken('a number in it is none')
    return BigInt.asIntN(64, this.#varint())
  }

  /** Eight bytes that are an unsigned integer. */
  fixed64(): bigint {
    const bytes = this.#eight()
    return Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64LE()
  }

  double(): number {
    const bytes = this.#eight()
    return Buffer.from(bytes.buffer, bytes.byteOffset, 8).readDoubleLE()
  }

  #eight(): Uint8Array {
    if (this.#wire !== 1) throw this.#broken('a number in it is none')
    return this.#take(8)
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#broken('it breaks off')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  #varint(): bigint {
    // Tags and lengths are short: most numbers need no bigint arithmetic.
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw this.#broken('it breaks off, or a number in it never ends')
      low += (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt(low)
    }
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw this.#broken('it breaks off, or a number in it never ends')
  }
}
