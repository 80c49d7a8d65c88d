// The slow, exact look at a JSON text that a quick one found fault with: where it breaks the grammar of RFC 8259, which
// keys are repeated, which numbers and strings would not survive. It keeps its own stack.
import { survives } from './decimal.ts'
import { escapeKey } from './property.ts'
import type { Violation } from './violation.ts'

/** A document with more faults than this is given up. */
const most = 20

/** A violation of a rule about the content; `judge` sets the outcome that the contract gives the rule. */
export function malformed(rule: string, path: string, message: string): Violation {
  const keyword = rule.slice(rule.indexOf('.') + 1)
  return { rule, type: 'Content-Malformed', keyword, path, message, outcome: 'quarantine' }
}

interface Frame {
  /** Keys seen so far, of an object. */
  keys: Set<string> | undefined
  /** The key or the place of the value being read. */
  key: string
  place: number
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma' | 'nothing'

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const words = ['true', 'false', 'null']

/**
 * Everything wrong with a JSON text; a break of the grammar stands alone, since nothing after it has a meaning.
 *
 * `inspect('{"a":1e400}')` is `[{rule: 'json.number', path: '/a', …}]`
 */
export function inspect(text: string): Violation[] {
  const found: Violation[] = []
  const frames: Frame[] = []
  let expected: Expected = 'value'
  let at = 0
  const path = () => frames.map(({ keys, key, place }) => `/${keys ? escapeKey(shown(key)) : place}`).join('')
  const note = (rule: string, message: string) => {
    if (found.length < most) found.push(malformed(rule, path(), message))
    else if (found.length === most)
      found.push(malformed('json.faults', '', `more than ${most} faults: not looked at further`))
  }
  for (;;) {
    at = skipSpace(text, at)
    const frame = frames.at(-1)
    if (at >= text.length) return expected === 'nothing' ? found : [broken(text, at, 'it ends too early')]
    const character = text[at] as string
    if (expected === 'nothing') return [broken(text, at, 'more follows after the end of the document')]
    if (expected === 'colon') {
      if (character !== ':') return [broken(text, at, 'a ":" is missing after a key')]
      at++
      expected = 'value'
    } else if (expected === 'comma') {
      const closing = frame?.keys ? '}' : ']'
      if (character !== ',' && character !== closing) return [broken(text, at, `a "," or "${closing}" is missing`)]
      at++
      if (character === ',') {
        expected = frame?.keys ? 'key' : 'value'
        if (frame) frame.place++
      } else {
        frames.pop()
        expected = frames.length > 0 ? 'comma' : 'nothing'
      }
    } else if (expected === 'key' || expected === 'key or }') {
      if (character === '}' && expected === 'key or }') {
        at++
        frames.pop()
        expected = frames.length > 0 ? 'comma' : 'nothing'
        continue
      }
      if (character !== '"' || !frame?.keys) return [broken(text, at, 'a key in double quotes is missing')]
      const end = endOfString(text, at)
      if (typeof end !== 'number') return [broken(text, end.at, end.why)]
      frame.key = JSON.parse(text.slice(at, end)) as string
      at = end
      if (frame.keys.has(frame.key)) note('json.key', 'the key is repeated; which of its values holds?')
      if (!frame.key.isWellFormed()) note('json.utf8', 'a key holds a lone surrogate, which no UTF-8 text can')
      frame.keys.add(frame.key)
      expected = 'colon'
    } else if (character === ']' && expected === 'value or ]') {
      at++
      frames.pop()
      expected = frames.length > 0 ? 'comma' : 'nothing'
    } else if (character === '{' || character === '[') {
      at++
      frames.push({ keys: character === '{' ? new Set() : undefined, key: '', place: 0 })
      expected = character === '{' ? 'key or }' : 'value or ]'
    } else {
      const end = endOfScalar(text, at)
      if (typeof end !== 'number') return [broken(text, end.at, end.why)]
      const token = text.slice(at, end)
      if (character === '"') {
        if (token.includes('\\u') && !(JSON.parse(token) as string).isWellFormed()) {
          note('json.utf8', 'the string holds a lone surrogate, which no UTF-8 text can')
        }
      } else if (!words.includes(token) && !survives(token)) {
        note('json.number', 'the number would not survive being read and written again; send it as a string')
      }
      at = end
      expected = frames.length > 0 ? 'comma' : 'nothing'
    }
  }
}

/** A key as a path shows it: whole, unless somebody sent a megabyte of it. */
function shown(key: string): string {
  return key.length <= 128 ? key : `${key.slice(0, 127)}…`.toWellFormed()
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at
    at++
  }
}

interface Break {
  at: number
  why: string
}

function endOfScalar(text: string, at: number): number | Break {
  const character = text[at] as string
  if (character === '"') return endOfString(text, at)
  const word = words.find((one) => text.startsWith(one, at))
  if (word) return at + word.length
  number.lastIndex = at
  if (!number.test(text))
    return { at, why: character === '\ufeff' ? 'a byte-order mark is no JSON' : 'a value is missing' }
  return number.lastIndex
}

/** The place after the closing quote of a string that begins at `start`. */
function endOfString(text: string, start: number): number | Break {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code < 0x20) return { at, why: 'a control character in a string must be escaped' }
    if (code !== 0x5c) continue
    const escaped = text[++at] ?? ''
    if (escaped === 'u') {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) return { at, why: '\\u takes four hexadecimal digits' }
      at += 4
    } else if (!'"\\/bfnrt'.includes(escaped) || escaped === '') return { at, why: 'no such escape in a string' }
  }
  return { at: text.length, why: 'a string does not end' }
}

function broken(text: string, at: number, why: string): Violation {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = at - before.lastIndexOf('\n')
  const place = line === 1 ? `at character ${column}` : `at line ${line}, character ${column}`
  return malformed('json.syntax', '', `no JSON: ${why} (${place})`)
}
