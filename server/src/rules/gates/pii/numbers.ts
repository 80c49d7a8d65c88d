// Numbers that belong to somebody: payment cards, social security numbers, telephone numbers. One pass finds the runs
// of digits; what each is follows from its checksum, its numbering plan, or the words around it.
import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import type { CountryCode } from 'libphonenumber-js/max'
import { isCard } from './checksums.ts'
import type { PiiSpan } from './types.ts'

export interface NumberOptions {
  /** Where telephone numbers without `+` may come from, as ISO 3166 codes. */
  readonly countries: readonly string[]
  /** Take whatever could be one: for masking, where too much is better than too little. */
  readonly eager: boolean
}

/** Separators and digits exclude each other, so there is one way to match. */
const run = /(?<![\p{L}\p{N}_])(?:\+ ?)?\(?\d(?:[ ./()-]{0,3}\d)*/gu
const date =
  /(?<!\d|\d[-./])(?:(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])([-./])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)?\d\d)(?![-./]?\d)/g
const extension = /^ ?(?:x|ext\.?|extension) ?\d{1,6}(?!\d)/i
const social = /^(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}$/

const before =
  /(?<!\p{L})(?:calls?|called|calling|phone|tel|telephone|mobile|mob|cell|cellphone|fax|sms|text|texts|whatsapp|viber|dial|ring|reach (?:me|us|you)|contact|hotline|helpline|landline|office|desk|answering|messages? to|registered|tél|téléphone|appel(?:ez)?|joindre|telefon(?:nummer)?|handy|mobil|rufen sie|anruf|teléfono|tfno|móvil|llam(?:a|e|ar)|telefono|cellulare|chiam(?:a|i|are)|bel|mobiel|telefone|telemóvel|ligue)(?!\p{L})[^\d]{0,25}$/iu
const after = /^\W{0,3}(?:office|fax|mobile|cell|home|work|desk|tel)(?!\p{L})/iu

/** So many numbers of a text are held against numbering plans, which costs most. */
const mostParsed = 400

export function* numbers(text: string, options: NumberOptions): Generator<PiiSpan> {
  let parsed = 0
  // A text of so many numbers is taken at their shape: nobody hides one behind the others.
  const country = (number: string): string | undefined => {
    if (parsed >= mostParsed) return number
    parsed++
    if (number.startsWith('+')) return valid(number)
    for (const code of options.countries) {
      const found = valid(number, code as CountryCode)
      if (found !== undefined) return found
    }
    return undefined
  }
  for (const { 0: found, index } of text.matchAll(run)) {
    if (found.length < 7) continue
    let free = 0
    for (const [start, end] of cards(found)) {
      if (start > free) yield* phones(text, index + free, index + start, options, country)
      yield card(found, index, start, end)
      free = end
    }
    if (free < found.length) yield* phones(text, index + free, index + found.length, options, country)
  }
}

function card(found: string, index: number, start: number, end: number): PiiSpan {
  const value = found.slice(start, end).replace(/\D/g, '')
  return { type: 'card', start: index + start, end: index + end, strength: 'checked', value }
}

/** Whole groups of digits that together are a card's number. */
function cards(found: string): [start: number, end: number][] {
  const groups = [...found.matchAll(/\d+/g)]
  const spans: [number, number][] = []
  for (let first = 0; first < groups.length; first++) {
    const length = groups[first]![0].length
    if (length !== 4 && length < 13) continue
    let digits = ''
    for (let last = first; last < groups.length && digits.length < 19; last++) {
      const group = groups[last]!
      if (group[0].length > 19) break
      digits += group[0]
      if (!isCard(digits) || !grouped(groups.slice(first, last + 1).map(([one]) => one.length))) continue
      spans.push([groups[first]!.index, group.index + group[0].length])
      first = last
      break
    }
  }
  return spans
}

/** As cards are printed: in one piece, in fours, or 4-6-5. Any other grouping is some other number. */
function grouped(lengths: readonly number[]): boolean {
  if (lengths.length === 1) return true
  if (lengths.join('-') === '4-6-5' || lengths.join('-') === '4-6-4') return true
  return lengths.slice(0, -1).every((length) => length === 4) && lengths.at(-1)! <= 4
}

function* phones(
  text: string,
  from: number,
  to: number,
  options: NumberOptions,
  country: (number: string) => string | undefined,
): Generator<PiiSpan> {
  for (const [start, end] of pieces(text, from, to)) {
    const piece = text.slice(start, end)
    const digits = piece.replace(/\D/g, '')
    if (social.test(piece)) {
      yield { type: 'us_ssn', start, end, strength: 'checked', value: digits }
      continue
    }
    if (digits.length > 15) {
      if (options.eager) yield { type: 'phone', start, end, strength: 'shaped', value: digits }
      else yield* several(piece, start, country)
      continue
    }
    if (digits.length < 7 || /^(\d)\1*$/.test(digits)) continue
    const international = piece.startsWith('+')
      ? `+${digits}`
      : digits.startsWith('00')
        ? `+${digits.slice(2)}`
        : digits
    const told = before.test(text.slice(Math.max(0, start - 50), start)) || after.test(text.slice(end, end + 20))
    const formatted = piece.length > digits.length || international.startsWith('+')
    // A bare number is an order, an amount or a telephone: only the words around it tell.
    if (!told && !formatted && !options.eager) continue
    const known = country(international)
    if (known === undefined && !told && !international.startsWith('+') && !options.eager) continue
    const more = extension.exec(text.slice(end, end + 20))?.[0].length ?? 0
    yield {
      type: 'phone',
      start,
      end: end + more,
      strength: known === undefined ? 'shaped' : 'checked',
      value: known ?? international,
    }
  }
}

/** Telephone numbers with nothing but a space between them: wherever groups of digits make a valid one. */
function* several(
  piece: string,
  from: number,
  country: (number: string) => string | undefined,
): Generator<PiiSpan, undefined> {
  const groups = [...piece.matchAll(/\d+/g)]
  for (let first = 0; first < groups.length; first++) {
    let digits = groups[first]![0]
    for (let last = first + 1; last < groups.length && last < first + 6 && digits.length < 15; last++) {
      digits += groups[last]![0]
      if (digits.length < 8 || digits.length > 15) continue
      const value = country(digits)
      if (value === undefined) continue
      const end = from + groups[last]!.index + groups[last]![0].length
      yield { type: 'phone', start: from + groups[first]!.index, end, strength: 'checked', value }
      first = last
      break
    }
  }
}

/** A run without the dates in it, and cut where one number ends and the next begins. */
function* pieces(text: string, from: number, to: number): Generator<[start: number, end: number]> {
  const whole = text.slice(from, to)
  const digits = whole.replace(/\D/g, '').length
  const cuts = digits > 15 ? /\s*[/]\s*| - |\s{2,}/g : /$^/g
  const marks = [...whole.matchAll(date), ...whole.matchAll(cuts)].map(({ 0: cut, index }) => ({ cut, index }))
  marks.sort((a, b) => a.index - b.index)
  let at = 0
  for (const { cut, index } of [...marks, { cut: '', index: whole.length }]) {
    const [start, end] = trimmed(whole, at, index)
    if (end > start) yield [from + start, from + end]
    at = Math.max(at, index + cut.length)
  }
}

function trimmed(whole: string, start: number, end: number): [start: number, end: number] {
  while (start < end && !/[\d+(]/.test(whole[start]!)) start++
  while (end > start && !/\d/.test(whole[end - 1]!)) end--
  return [start, end]
}

function valid(number: string, country?: CountryCode): string | undefined {
  const parsed = parsePhoneNumberFromString(number, country)
  return parsed?.isValid() ? parsed.number : undefined
}
