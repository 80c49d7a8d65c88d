// Values as tables can hold them: no NUL, no half of a character, no key that objects have no place for. The record keeps
// the bytes as they came.
import type { Findings } from './findings.ts'
import { under } from './findings.ts'

/** Whoever walks a facet by recursion must never run out of stack. */
const DEEPEST = 512

export interface Held {
  value: unknown
  /** Values within it, itself included: how large it is. */
  nodes: number
}

/** The value itself where nothing is wrong with it, else a copy in which U+FFFD stands for what cannot be held. */
export function held(value: unknown, path: string, findings: Findings): Held {
  const { nodes, proper } = look(value)
  return { value: proper ? value : mended(value, path, findings, 0), nodes }
}

export function heldText(text: string, path: string, findings: Findings): string {
  if (isHeld(text)) return text
  findings.note('text.characters', path, 'a text holds a NUL or half a character: U+FFFD stands for it in the graph')
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}

function isHeld(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** The common case, without paths: nearly all that comes is proper. */
function look(value: unknown): { nodes: number; proper: boolean } {
  const seen = { nodes: 0 }
  const proper = isProper(value, 0, seen)
  return { nodes: seen.nodes, proper }
}

function isProper(value: unknown, depth: number, seen: { nodes: number }): boolean {
  seen.nodes++
  if (typeof value === 'string') return isHeld(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth >= DEEPEST) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isProper(item, depth + 1, seen)) return false
    return true
  }
  // What JSON.parse makes has no keys but its own.
  for (const key in value) {
    if (key === '__proto__' || !isHeld(key)) return false
    if (!isProper((value as Record<string, unknown>)[key], depth + 1, seen)) return false
  }
  return true
}

function mended(value: unknown, path: string, findings: Findings, depth: number): unknown {
  if (typeof value === 'string') return heldText(value, path, findings)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEEPEST) {
    findings.note('json.depth', path, `nested more than ${DEEPEST} levels deep`)
    return null
  }
  if (Array.isArray(value)) return value.map((item, i) => mended(item, under(path, i), findings, depth + 1))
  const kept: [string, unknown][] = []
  for (const [key, inside] of Object.entries(value)) {
    const here = under(path, key)
    if (key === '__proto__')
      findings.note('key.proto', here, 'a key is __proto__: what it says is left out of the graph')
    else kept.push([heldText(key, here, findings), mended(inside, here, findings, depth + 1)])
  }
  return Object.fromEntries(kept)
}
