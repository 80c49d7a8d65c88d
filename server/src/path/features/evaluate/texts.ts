// Functions over texts. DuckDB counts code points; what it does with unusual arguments it is asked for.
import type { Built, Compute } from './computed.ts'
import type { Datum } from './datum.ts'
import { Unsure } from './datum.ts'
import { strict } from './computed.ts'

const isText = ({ type }: Built): boolean => type === 'VARCHAR' || type === 'NULL'

export function textFunction(name: string, of: Built[], _type: string): Compute | undefined {
  const values = of.map((each) => each.of)
  const texts = of.every(isText)
  if (name === 'concat') return texts ? (row, asOf) => joined(values, row, asOf, '') : undefined
  if (name === 'concat_ws') {
    const [separator, ...rest] = values
    if (!texts || of.length < 2) return undefined
    return (row, asOf) => {
      const between = separator!(row, asOf)
      return between === null ? null : joined(rest, row, asOf, between as string)
    }
  }
  if (texts) {
    const found = overTexts[`${name}/${of.length}`]
    if (found) return strict(values, found)
  }
  const [text, ...numbers] = of
  if (text && isText(text) && numbers.length > 0 && numbers.every(({ type }) => /^(INTEGER|BIGINT)$/.test(type))) {
    const found = withNumbers[`${name}/${of.length}`]
    if (found) return strict(values, found)
  }
  if (
    name === 'split_part' &&
    of.length === 3 &&
    isText(of[0]!) &&
    isText(of[1]!) &&
    /^(INTEGER|BIGINT)$/.test(of[2]!.type)
  ) {
    return strict(values, (value: string, by: string, n: bigint) => {
      if (by === '' || n < 1n) throw new Unsure('an unusual part of a text')
      return value.split(by)[Number(n) - 1] ?? ''
    })
  }
  return undefined
}

function joined(of: readonly Compute[], row: readonly Datum[], asOf: bigint, between: string): string {
  const present: string[] = []
  for (const each of of) {
    const value = each(row, asOf)
    if (value !== null) present.push(value as string)
  }
  return present.join(between)
}

const position = (text: string, part: string): bigint => {
  const at = text.indexOf(part)
  return at < 0 ? 0n : BigInt(codePoints(text.slice(0, at)) + 1)
}
const length = (text: string): bigint => BigInt(codePoints(text))
const lower = (text: string): string => byCodePoint(text, (one) => one.toLowerCase())
const upper = (text: string): string => byCodePoint(text, (one) => one.toUpperCase())
const starts = (text: string, part: string): boolean => text.startsWith(part)
const ends = (text: string, part: string): boolean => text.endsWith(part)

/** By name and number of arguments, all of them texts. */
const overTexts: Record<string, (...texts: string[]) => Datum> = {
  '||/2': (a, b) => a + b,
  'lower/1': lower,
  'lcase/1': lower,
  'upper/1': upper,
  'ucase/1': upper,
  'length/1': length,
  'len/1': length,
  'char_length/1': length,
  'character_length/1': length,
  'strlen/1': (text) => BigInt(Buffer.byteLength(text)),
  'trim/1': (text) => trimmed(text, true, true),
  'ltrim/1': (text) => trimmed(text, true, false),
  'rtrim/1': (text) => trimmed(text, false, true),
  'replace/3': (text, from, by) => {
    if (from === '') throw new Unsure('an empty text replaced')
    return text.replaceAll(from, () => by)
  },
  'contains/2': (text, part) => text.includes(part),
  'starts_with/2': starts,
  'prefix/2': starts,
  '^@/2': starts,
  'ends_with/2': ends,
  'suffix/2': ends,
  'instr/2': position,
  'strpos/2': position,
  'position/2': position,
  '~~/2': (text, pattern) => isLike(text, pattern),
  '!~~/2': (text, pattern) => !isLike(text, pattern),
}

const slice = (text: string, from: bigint, count: bigint): string => {
  if (from < 1n || count < 0n) throw new Unsure('an unusual piece of a text')
  const most = BigInt(text.length)
  const [begin, size] = [from > most ? most : from - 1n, count > most ? most : count]
  return Array.from(text)
    .slice(Number(begin), Number(begin + size))
    .join('')
}

/** A text, then whole numbers. */
const withNumbers: Record<string, (text: string, ...numbers: bigint[]) => Datum> = {
  'substr/2': (text, from) => slice(text, from, BigInt(text.length)),
  'substr/3': (text, from, count) => slice(text, from, count),
  'substring/2': (text, from) => slice(text, from, BigInt(text.length)),
  'substring/3': (text, from, count) => slice(text, from, count),
  'left/2': (text, count) => slice(text, 1n, count),
  'right/2': (text, count) => {
    if (count < 0n) throw new Unsure('an unusual piece of a text')
    const all = Array.from(text)
    return all.slice(Math.max(0, all.length - Number(count > 1_000_000_000n ? 1_000_000_000n : count))).join('')
  },
}

function codePoints(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800) {
      count--
      i++
    }
  }
  return count
}

/** One letter at a time: what becomes several letters, or depends on its neighbours, is DuckDB's to say. */
function byCodePoint(text: string, change: (one: string) => string): string {
  let changed = ''
  for (const one of text) {
    // Letters of Latin, Greek and Cyrillic; of later ones the tables of the two engines differ.
    if (one > '\u052f') throw new Unsure('the case of an unusual letter')
    const other = change(one)
    if (other.length !== 1) throw new Unsure('the case of an unusual letter')
    changed += other
  }
  return changed
}

function trimmed(text: string, begin: boolean, end: boolean): string {
  // Of other white space DuckDB takes some away and leaves some.
  if (/[^\u0020-\u007e\u00a1-\u1fff]/.test(text.replaceAll(/\S/gu, ''))) throw new Unsure('unusual white space')
  let [from, to] = [0, text.length]
  while (begin && from < to && text[from] === ' ') from++
  while (end && to > from && text[to - 1] === ' ') to--
  return text.slice(from, to)
}

/** LIKE without an escape: % is any text, _ one code point. Each % is taken back at most once a position. */
export function isLike(text: string, pattern: string): boolean {
  if (!/[%_]/.test(pattern)) return text === pattern
  const [t, p] = [Array.from(text), Array.from(pattern)]
  let [i, j, star, mark] = [0, 0, -1, 0]
  while (i < t.length) {
    if (j < p.length && p[j] === '%') {
      star = j++
      mark = i
    } else if (j < p.length && (p[j] === '_' || p[j] === t[i])) {
      i++
      j++
    } else if (star >= 0) {
      j = star + 1
      i = ++mark
    } else return false
  }
  while (p[j] === '%') j++
  return j === p.length
}
