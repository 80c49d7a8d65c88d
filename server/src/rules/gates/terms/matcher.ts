// A term list made ready, and what of it stands in a text.
import type { RE2JS } from 're2js'
import { phraseWords } from '../reading.ts'
import type { Reading, View } from '../reading.ts'
import { lower } from '../text/fold.ts'
import type { Mapped } from '../text/mapped.ts'
import { Phrases } from '../text/phrases.ts'
import { compileTerm } from './term-list.ts'
import type { Severity, TermList } from './term-list.ts'

export interface TermFound {
  readonly term: string
  readonly severity: Severity
  readonly start: number
  readonly end: number
}

interface Compiled {
  readonly term: string
  readonly severity: Severity
}

/** So many findings of one list in one text are enough to judge it. */
const most = 100

export class TermMatcher {
  readonly #phrases: Phrases
  readonly #phraseTerms: Compiled[] = []
  readonly #patterns: (Compiled & { pattern: RE2JS; caseSensitive: boolean })[] = []

  constructor({ terms, severity }: TermList) {
    const phrases: string[] = []
    for (const entry of terms) {
      const of = { severity: ('severity' in entry ? entry.severity : undefined) ?? severity }
      if ('phrase' in entry) {
        const open = entry.phrase.endsWith('*')
        const words = phraseWords(open ? entry.phrase.slice(0, -1) : entry.phrase)
        phrases.push(open ? words.trimEnd() : words)
        this.#phraseTerms.push({ ...of, term: entry.phrase })
      } else {
        const pattern = compileTerm(entry.pattern, entry.caseSensitive)
        const term = entry.name ?? entry.pattern
        this.#patterns.push({ ...of, term, pattern, caseSensitive: entry.caseSensitive })
      }
    }
    this.#phrases = new Phrases(phrases)
  }

  find(reading: Reading, view: View): TermFound[] {
    const found = new Map<string, TermFound>()
    const note = (of: Compiled, text: Mapped, start: number, end: number): void => {
      const place = text.origin(start, end)
      const key = `${of.term}\n${place.start}`
      if (!found.has(key)) found.set(key, { term: of.term, severity: of.severity, ...place })
    }
    for (const form of reading.forms(view)) {
      for (const { phrase, start, end } of this.#phrases.find(form.text, most)) {
        // Without the spaces that mark where words begin and end.
        const last = form.text[end - 1] === ' ' ? end - 1 : end
        note(this.#phraseTerms[phrase]!, form, start + 1, last)
      }
    }
    if (this.#patterns.length > 0) {
      const asWritten = reading.plain(view)
      const small = lower(asWritten)
      for (const one of this.#patterns) {
        const text = one.caseSensitive ? asWritten : small
        if (!one.pattern.test(text.text)) continue
        const matcher = one.pattern.matcher(text.text)
        for (let n = 0; n < 10 && matcher.find(); n++) note(one, text, matcher.start(), matcher.end())
      }
    }
    return [...found.values()].sort((a, b) => a.start - b.start).slice(0, most)
  }
}
