// E-mail addresses, found from the sign outwards, so that a text of any shape costs time linear in its length.
import type { PiiSpan } from './types.ts'

const sign = /@|%40|\s{0,3}[([{<]\s{0,3}at\s{0,3}[)\]}>]\s{0,3}/gi
const local = /[\p{L}\p{N}._%+'!#$&*/=?^`{|}~-]/u
const domain =
  /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?(?:\.|\s{0,2}[([{<]\s{0,2}dot\s{0,2}[)\]}>]\s{0,2})){1,8}(?:xn--[a-z0-9-]{2,59}|\p{L}{2,24})(?![\p{L}\p{N}])/iuy

/** `logo@2x.png` is a picture. */
const picture = /^\d+x\.(?:png|jpe?g|gif|webp|svg)$/i

export function* emails(text: string): Generator<PiiSpan> {
  let free = 0
  for (const { 0: found, index } of text.matchAll(sign)) {
    if (index < free) continue
    let start = index
    while (start > free && index - start < 64 && local.test(text[start - 1]!)) start--
    // What opens a list, a link or a quotation is no part of it.
    while (start < index && /[^\p{L}\p{N}_+]/u.test(text[start]!)) start++
    const name = text.slice(start, index).replace(/^.*[=/?&|]/, '')
    start = index - name.length
    if (name.length === 0) continue
    domain.lastIndex = index + found.length
    const host = domain.exec(text)?.[0]
    if (host === undefined) continue
    const plainHost = host.replace(/\s*[([{<]\s*dot\s*[)\]}>]\s*/gi, '.')
    if (picture.test(plainHost)) continue
    free = index + found.length + host.length
    yield { type: 'email', start, end: free, strength: 'checked', value: `${name}@${plainHost}`.toLowerCase() }
  }
}
