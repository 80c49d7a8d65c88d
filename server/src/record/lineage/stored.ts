// Anyone's text, so that PostgreSQL can hold it: no NUL and no half of a surrogate pair stands in its text. What it can
// hold stays as it is, but for the backslash that marks the rest.
import { hash } from 'node:crypto'

// With the flag `u` a surrogate matches only where its other half is missing.
const unstorable = /[\0\\\p{Surrogate}]/gu
const storable = /^[^\0\\\p{Surrogate}]*$/u

export function stored(text: string): string {
  if (storable.test(text)) return text
  return text.replace(unstorable, (character) =>
    character === '\\' ? '\\\\' : `\\${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function unstored(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(\\|[0-9a-f]{4})/g, (_, code: string) =>
    code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code, 16)),
  )
}

/** By what a text is found: 16 bytes, in hex. Two different texts have different ones. */
export function keyOf(text: string): string {
  return hash('sha256', stored(text), 'hex').slice(0, 32)
}
