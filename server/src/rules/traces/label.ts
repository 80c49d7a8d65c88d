// Which texts of a span may be kept as they came: names of models, agents, tools, campaigns. A text that is no name, or
// holds what a person is reached by, is kept as a digest.
export type Mask = (text: string) => string

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N} _.:/@+#(),&'-]{0,199}$/u
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Versions of models are days. */
const DAYS = /(?<!\d)(?:19|20)\d\d[-.]?(?:0[1-9]|1[0-2])[-.]?(?:0[1-9]|[12]\d|3[01])(?!\d)/g
/** As long as a telephone number without its area. */
const DIGITS = /\d(?:[ ().:/-]{0,2}\d){6,}/

export function isLabel(text: string, mask: Mask): boolean {
  if (UUID.test(text)) return true
  if (!NAME.test(text) || /@[^ ]*\./.test(text)) return false
  const rest = text.replaceAll(DAYS, 'day')
  return !DIGITS.test(rest) && mask(rest) === rest
}

/** Numbers are kept where they cannot be a number that somebody has. */
export function isMeasure(value: number, mask: Mask): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > 1_000_000_000) return false
  const text = String(value)
  return text.length < 10 || mask(text) === text
}
