// Identifiers of letters and digits: bank accounts and national numbers, told by their checksums.
import { ibanLengths, isCodiceFiscale, isDni, isNir, mod97 } from './checksums.ts'
import type { PiiSpan, PiiType } from './types.ts'

const iban = /(?<![\p{L}\p{N}])[A-Za-z]{2}[ -]?\d{2}(?=[ -]?[A-Za-z0-9])/gu
const dni = /(?<![\p{L}\p{N}])(?:\d{8}|[XYZ]-?\d{7})-?[A-Z](?![\p{L}\p{N}])/giu
const codiceFiscale = /(?<![\p{L}\p{N}])[A-Z]{6}\d{2}[ABCDEHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![\p{L}\p{N}])/giu
const nir =
  /(?<![\p{L}\p{N}])[1278] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?![\p{L}\p{N}])/giu

export function* codes(text: string): Generator<PiiSpan> {
  yield* ibans(text)
  yield* told('es_dni', text, dni, isDni)
  yield* told('it_codice_fiscale', text, codiceFiscale, isCodiceFiscale)
  yield* told('fr_nir', text, nir, isNir)
}

/** The country says how long it is, so that what follows is not taken for a part of it. */
function* ibans(text: string): Generator<PiiSpan> {
  for (const { index } of text.matchAll(iban)) {
    const length = ibanLengths[text.slice(index, index + 2).toUpperCase()]
    if (length === undefined) continue
    let end = index
    let code = ''
    for (; code.length < length && end < text.length; end++) {
      if (/[A-Za-z0-9]/.test(text[end]!)) code += text[end]!
      // One separator at a time, and none that ends it.
      else if (!/[ -]/.test(text[end]!) || !/[A-Za-z0-9]/.test(text[end - 1]!)) break
    }
    if (code.length < length || /[\p{L}\p{N}]/u.test(text[end] ?? ' ')) continue
    const upper = code.toUpperCase()
    if (mod97(upper.slice(4) + upper.slice(0, 4)) !== 1) continue
    yield { type: 'iban', start: index, end, strength: 'checked', value: upper.toLowerCase() }
  }
}

function* told(type: PiiType, text: string, shape: RegExp, holds: (code: string) => boolean): Generator<PiiSpan> {
  for (const { 0: found, index } of text.matchAll(shape)) {
    const code = found.replace(/[ -]/g, '').toUpperCase()
    if (!holds(code)) continue
    yield { type, start: index, end: index + found.length, strength: 'checked', value: code.toLowerCase() }
  }
}
