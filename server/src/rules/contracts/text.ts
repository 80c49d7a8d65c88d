// Values as text: short for people, exact for comparing.

/** At most 64 characters of a text, to be shown. */
export function shorten(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 63)}…`.toWellFormed()
}

/** A value as a message shows it: short, in one line. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value))
  if (Array.isArray(value)) return '(an array)'
  return typeof value === 'object' && value !== null ? '(an object)' : String(value)
}

/** JSON with sorted keys: equal values give equal texts. */
export function stable(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${stable(item)}`).join(',')}}`
}
