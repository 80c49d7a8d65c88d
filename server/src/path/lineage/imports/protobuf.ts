// Reading protocol buffers, as far as the registry of Feast needs it (https://protobuf.dev/programming-guides/encoding).
// A message is read by a schema that names the fields that we want; others are skipped, as the format means it.
import { Fault } from '../../../fault.ts'
import { WireReader } from '../../../rules/files/wire.ts'

type Scalar = 'text' | 'bool' | 'number' | 'time' | 'duration'

/** By field number: the name, and what it holds. `map` is of texts to texts, or to messages. */
export interface Schema {
  readonly [field: number]: readonly [name: string, holds: Scalar | (() => Schema), how?: 'many' | 'map']
}

export type Message = Record<string, unknown>

const DEEPEST = 32

/** Throws `invalid` where the bytes are no message. */
export function readMessage(bytes: Uint8Array, schema: Schema, depth = 0): Message {
  if (depth > DEEPEST) throw broken('it is nested too deep')
  const message: Message = {}
  const reader = new WireReader(bytes, broken)
  while (!reader.atEnd) {
    const field = reader.field()
    const raw = reader.value()
    const [name, holds, how] = schema[field] ?? []
    if (name === undefined || holds === undefined) continue
    if (how === 'map') {
      const value = typeof holds === 'function' ? holds : 'text'
      const entry = readMessage(bytesOf(raw), { 1: ['key', 'text'], 2: ['value', value] }, depth + 1)
      const map = (message[name] ??= {}) as Message
      Object.defineProperty(map, typeof entry.key === 'string' ? entry.key : '', {
        value: entry.value ?? '',
        enumerable: true,
        configurable: true,
      })
      continue
    }
    const value = typeof holds === 'function' ? readMessage(bytesOf(raw), holds(), depth + 1) : scalar(raw, holds)
    if (how === 'many') ((message[name] ??= []) as unknown[]).push(value)
    else message[name] = value
  }
  return message
}

function scalar(raw: bigint | Uint8Array, holds: Scalar): unknown {
  if (holds === 'text') return new TextDecoder().decode(bytesOf(raw))
  if (holds === 'time' || holds === 'duration') {
    const { seconds = 0, nanos = 0 } = readMessage(bytesOf(raw), {
      1: ['seconds', 'number'],
      2: ['nanos', 'number'],
    }) as {
      seconds?: number
      nanos?: number
    }
    if (holds === 'duration') return `${seconds}s`
    const time = new Date(seconds * 1000 + Math.floor(nanos / 1e6))
    if (Number.isNaN(time.getTime())) throw broken('a time in it is none')
    return time.toISOString()
  }
  if (typeof raw !== 'bigint') throw broken('a number in it is none')
  return holds === 'bool' ? raw !== 0n : Number(BigInt.asIntN(64, raw))
}

function bytesOf(raw: bigint | Uint8Array): Uint8Array {
  if (typeof raw === 'bigint') throw broken('a text or a message in it is none')
  return raw
}

function broken(what: string): Fault {
  return new Fault('invalid', `This is no registry of Feast: ${what}.`)
}
