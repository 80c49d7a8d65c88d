import { largestEvent, type Line } from './lines.ts'

/**
 * A row of a CSV file (RFC 4180) at the line on which it begins, `height` lines high. What is no row is broken: its bytes
 * are kept as they came.
 */
export type Row =
  | { line: number; height: number; fields: string[]; text: string }
  | { line: number; height: 1; broken: string; bytes: Buffer }
  | { line: number; height: 1; size: number }
  | { line: number; height: 1; blank: true }

/**
 * Finds the rows in the lines of a CSV file. A quote that never closes, or closes in the middle of a field, would swallow
 * the rows after it: then only the line on which it stands is broken, and reading goes on with the next. This, the exact
 * lines and the bytes of what is broken are why no library does it.
 *
 * @example
 * const reader = new CsvReader(',')
 * for (const line of lines) rows.push(...reader.read(line))
 * rows.push(...reader.end())
 */
export class CsvReader {
  readonly #delimiter: string
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  /** The lines of a row whose quoted field goes on, and how many bytes they hold. */
  #open: { number: number; bytes: Buffer }[] = []
  #size = 0
  #fields: string[] = []
  #field = ''

  constructor(delimiter: string) {
    this.#delimiter = delimiter
  }

  /** Takes one line, and gives the rows that are complete with it. */
  read(line: Line): Row[] {
    if ('size' in line) return [...this.#giveUp(), { line: line.number, height: 1, size: line.size }]
    const text = this.#decoded(line.bytes)
    if (text === undefined) return [...this.#giveUp(), broken(line, 'is not UTF-8')]
    if (this.#open.length === 0 && text.trim() === '') return [{ line: line.number, height: 1, blank: true }]

    const inside = this.#open.length > 0
    this.#open.push(line)
    this.#size += line.bytes.length
    switch (this.#scan(text, inside)) {
      case 'complete':
        return [this.#row()]
      case 'misplaced':
        return this.#restart('has a quote in the middle of a field')
      case 'open':
        return this.#size > largestEvent ? this.#restart('has a quote that is never closed') : []
    }
  }

  /** Call it at the end of the file: a quote may still be open. */
  end(): Row[] {
    return this.#giveUp()
  }

  #giveUp(): Row[] {
    const rows: Row[] = []
    while (this.#open.length > 0) rows.push(...this.#restart('has a quote that is never closed'))
    return rows
  }

  /** The first open line is broken; the others are read again without it. */
  #restart(why: string): Row[] {
    const [first, ...others] = this.#open
    this.#clear()
    return [broken(first!, why), ...others.flatMap((line) => this.read(line))]
  }

  #row(): Row {
    const [first] = this.#open
    const text = this.#open.map(({ bytes }) => bytes.toString()).join('\n')
    const row: Row = { line: first!.number, height: this.#open.length, fields: this.#fields, text: withoutReturn(text) }
    this.#clear()
    return row
  }

  #clear(): void {
    this.#open = []
    this.#size = 0
    this.#fields = []
    this.#field = ''
  }

  #decoded(bytes: Buffer): string | undefined {
    try {
      return this.#utf8.decode(bytes)
    } catch {
      return undefined
    }
  }

  /** Reads the fields of one line on; a quote opens only at the beginning of a field. */
  #scan(text: string, inside: boolean): 'complete' | 'open' | 'misplaced' {
    const delimiter = this.#delimiter
    let at = 0
    let quoted = inside
    if (inside) this.#field += '\n'
    for (;;) {
      if (!quoted && text[at] === '"') {
        quoted = true
        at++
      }
      if (!quoted) {
        const next = text.indexOf(delimiter, at)
        this.#fields.push(next < 0 ? withoutReturn(text.slice(at)) : text.slice(at, next))
        if (next < 0) return 'complete'
        at = next + delimiter.length
        continue
      }
      const quote = text.indexOf('"', at)
      if (quote < 0) {
        this.#field += text.slice(at)
        return 'open'
      }
      this.#field += text.slice(at, quote)
      at = quote + 1
      if (text[at] === '"') {
        this.#field += '"'
        at++
        continue
      }
      this.#fields.push(this.#field)
      this.#field = ''
      quoted = false
      if (at === text.length || (at === text.length - 1 && text[at] === '\r')) return 'complete'
      if (!text.startsWith(delimiter, at)) return 'misplaced'
      at += delimiter.length
    }
  }
}

function broken({ number, bytes }: { number: number; bytes: Buffer }, why: string): Row {
  return { line: number, height: 1, broken: why, bytes: bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes }
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text
}
