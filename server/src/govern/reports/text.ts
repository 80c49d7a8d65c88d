import { stripVTControlCharacters } from 'node:util'

/** Colours, or nothing at all. */
export type Paint = Record<'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', (text: string) => string>

export function paint(color: boolean): Paint {
  const style = (open: number, close: number) => (text: string) => (color ? `\x1b[${open}m${text}\x1b[${close}m` : text)
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  }
}

/** 62483 as `62,483`; at most `digits` digits after the point. */
export function number(value: number, digits = 4): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: digits })
}

/** `1 event`, `2,000 events`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}

/**
 * Names and contents come from outside: what would move a terminal's cursor, colour its text or turn its direction is
 * shown as an escape instead, in every string of `value`.
 */
export function printable<T>(value: T): T {
  if (typeof value === 'string') return escaped(value) as T
  if (Array.isArray(value)) return value.map(printable) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [escaped(key), printable(inner)])) as T
}

function escaped(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.codePointAt(0)!
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

const unprintable = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** Columns that the text takes on a terminal. */
export function width(text: string): number {
  let columns = 0
  for (const character of stripVTControlCharacters(text)) {
    if (!/\p{Mn}|\u200d/u.test(character)) columns += wide.test(character) ? 2 : 1
  }
  return columns
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/** The text with spaces behind it (or before it, aligned to the right), so that it takes at least `columns`. */
export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - width(text)))
  return align === 'left' ? text + space : space + text
}

/** The text cut to `columns`, with an ellipsis where something is left out. Without colours only. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text
  let short = ''
  for (const character of text) {
    if (width(short + character) > columns - 1) break
    short += character
  }
  return `${short}…`
}

/**
 * The text broken at single spaces into lines of at most `columns`; lines after the first start with `indent`, which is
 * not counted.
 */
export function wrap(text: string, columns: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && width(longer) > columns) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line].join(`\n${indent}`)
}

/**
 * Rows with their columns aligned, three spaces apart. Where `columns` is given, the last column is wrapped into what is
 * left of them; where that is too little to read, it stands on lines of its own.
 */
export function table(
  rows: readonly (readonly string[])[],
  options: { right?: readonly number[]; indent?: string; columns?: number } = {},
): string {
  const { right = [], indent = '', columns } = options
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, width(cell))))
  return rows
    .map((row) => {
      const cells = row.slice(0, -1).map((cell, i) => pad(cell, widths[i]!, right.includes(i) ? 'right' : 'left'))
      const start = indent + cells.map((cell) => `${cell}   `).join('')
      const i = row.length - 1
      const last = right.includes(i) ? pad(row[i]!, widths[i]!, 'right') : (row[i] ?? '')
      const room = (columns ?? Infinity) - width(start)
      if (room >= 40 || width(last) <= room) return (start + wrap(last, room, ' '.repeat(width(start)))).trimEnd()
      const deeper = `${indent}      `
      return `${start.trimEnd()}\n${deeper}${wrap(last, (columns ?? Infinity) - width(deeper), deeper)}`
    })
    .join('\n')
}
