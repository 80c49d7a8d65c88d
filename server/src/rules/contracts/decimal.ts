// Numbers as the decimals that people wrote. A JavaScript number stands here for its shortest decimal spelling: 0.1 is
// one tenth, not the binary fraction nearest to it.

/** A number is `coefficient * 10 ** exponent`; the coefficient has no zeros at either end ('' is zero). */
interface Decimal {
  negative: boolean
  coefficient: string
  exponent: number
}

function decimalOf(text: string): Decimal {
  const mark = text.search(/[eE]/)
  const mantissa = mark < 0 ? text : text.slice(0, mark)
  const negative = mantissa.startsWith('-')
  const point = mantissa.indexOf('.')
  const digits = (negative ? mantissa.slice(1) : mantissa).replace('.', '')
  const [start, end] = nonZero(digits)
  const fractionDigits = point < 0 ? 0 : mantissa.length - point - 1
  const exponent = (mark < 0 ? 0 : Number(text.slice(mark + 1))) - fractionDigits + digits.length - end
  return { negative, coefficient: digits.slice(start, end), exponent }
}

/** Where the digits without the zeros at both ends begin and end; a regular expression would take quadratic time. */
function nonZero(digits: string): [number, number] {
  let start = 0
  let end = digits.length
  while (start < end && digits.charCodeAt(start) === 48) start++
  while (end > start && digits.charCodeAt(end - 1) === 48) end--
  return [start, end]
}

/**
 * Does the number that a JSON text spells come out again when it is read and written? `survives('0.10')` and
 * `survives('1e2')` do; `survives('9007199254740993')`, `survives('1e400')` and `survives('0.1000000000000000055')`
 * do not. Expects a number as JSON spells it.
 */
export function survives(text: string): boolean {
  const value = Number(text)
  if (!Number.isFinite(value)) return false
  if (String(value) === text) return true
  const before = decimalOf(text)
  const after = decimalOf(String(value))
  if (before.coefficient === '') return true
  return before.coefficient === after.coefficient && before.exponent === after.exponent
}

/** Has the number at most `precision` digits, `scale` of them behind the point? `fits(12.34, 4, 2)` is true. */
export function fits(value: number, precision: number, scale: number): boolean {
  const { coefficient, exponent } = decimalOf(String(value))
  return coefficient === '' || (-exponent <= scale && coefficient.length + exponent <= precision - scale)
}

/** A number without exponent, as SQL reads a DECIMAL: `plain(1.5e-7)` is `'0.00000015'`. */
export function plain(value: number): string {
  const text = String(value)
  if (!text.includes('e')) return text
  const { negative, coefficient, exponent } = decimalOf(text)
  const sign = negative ? '-' : ''
  if (exponent >= 0) return sign + coefficient + '0'.repeat(exponent)
  const padded = coefficient.padStart(1 - exponent, '0')
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`
}

/** Is it a multiple, as decimals? `isMultiple(0.3, 0.1)` is true, although `0.3 % 0.1` is not 0. */
export function isMultiple(value: number, of: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(of)) return value % of === 0
  const one = decimalOf(String(value))
  const other = decimalOf(String(of))
  const exponent = Math.min(one.exponent, other.exponent)
  const scaled = ({ coefficient, exponent: own }: Decimal) => BigInt(coefficient) * 10n ** BigInt(own - exponent)
  return scaled(one) % scaled(other) === 0n
}
