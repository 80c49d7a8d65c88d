// Lists that others keep, as term lists: SpamAssassin's rules, and plain lists of a phrase a line.
import { stringify } from 'yaml'
import { z } from 'zod'
import { Fault } from '../../../fault.ts'
import { compileTerm, termListForm } from './term-list.ts'
import type { Severity, TermList } from './term-list.ts'

export interface ImportedTerms {
  readonly list: TermList
  /** The file, to be kept among the policies. */
  readonly yaml: string
  /** What was left out, and why. */
  readonly skipped: readonly { readonly term: string; readonly reason: string }[]
}

export interface ImportOptions {
  readonly name: string
  readonly source?: string | undefined
  readonly language?: string | undefined
  readonly severity?: Severity | undefined
}

type Entry = string | { pattern: string; name: string; severity: Severity; caseSensitive: boolean; note?: string }

const Rules = z.array(
  z.object({
    name: z.string().min(1).max(100),
    target: z.string(),
    pattern: z.string(),
    flags: z.string().default(''),
    describe: z.string().nullish(),
    score: z.array(z.number()).nullish(),
  }),
)

/** Reads either form: JSON is taken for rules, anything else for a phrase a line. Throws `invalid`. */
export function importTerms(text: string, options: ImportOptions): ImportedTerms {
  const rules = /^\s*[[{]/.test(text)
  const { entries, skipped } = rules ? fromRules(text) : fromLines(text)
  if (entries.length === 0) throw new Fault('invalid', 'The file holds no term that could be taken.')
  const { name, source, language, severity } = options
  const file = {
    kind: 'TermList',
    name,
    ...(source ? { source } : {}),
    ...(language ? { language } : {}),
    severity: severity ?? 'medium',
    terms: entries,
  }
  const yaml = stringify(file, { lineWidth: 0 })
  return { list: termListForm.parse(yaml, name), yaml, skipped }
}

/** SpamAssassin's rules as JSON: those on the body of a message. */
function fromRules(text: string): { entries: Entry[]; skipped: ImportedTerms['skipped'] } {
  const read = Rules.safeParse(json(text))
  if (!read.success)
    throw new Fault('invalid', 'The file is no list of rules: each needs name, target, pattern and flags.')
  const entries: Entry[] = []
  const skipped: { term: string; reason: string }[] = []
  for (const { name, target, pattern, flags, describe, score } of read.data) {
    const reason =
      target !== 'body'
        ? `it is about ${target}, not the text`
        : score && Math.max(...score) <= 0
          ? 'its score switches it off'
          : undefined
    if (reason !== undefined) {
      skipped.push({ term: name, reason })
      continue
    }
    const caseSensitive = !flags.includes('i')
    const set = flags.replace(/[^sm]/g, '')
    const whole = set ? `(?${set})${pattern}` : pattern
    try {
      if (compileTerm(whole, caseSensitive).matches('')) throw new Error('it matches where nothing stands')
    } catch (error) {
      skipped.push({ term: name, reason: error instanceof Error ? error.message : String(error) })
      continue
    }
    // What begins with two underscores counts in SpamAssassin only together with others.
    const severity = name.startsWith('__') ? 'low' : Math.max(...(score ?? [1])) >= 2 ? 'high' : 'medium'
    entries.push({
      pattern: whole,
      name,
      severity,
      caseSensitive,
      ...(describe ? { note: describe.slice(0, 500) } : {}),
    })
  }
  return { entries, skipped }
}

function fromLines(text: string): { entries: Entry[]; skipped: ImportedTerms['skipped'] } {
  const entries = new Set<string>()
  const skipped: { term: string; reason: string }[] = []
  for (const line of text.split(/\r?\n/)) {
    const phrase = line.trim()
    if (phrase === '' || phrase.startsWith('#')) continue
    try {
      termListForm.parse(stringify({ kind: 'TermList', name: 'x', terms: [phrase] }), 'x')
      entries.add(phrase)
    } catch {
      skipped.push({ term: phrase.slice(0, 200), reason: 'it holds no letter, or more than 200 characters' })
    }
  }
  return { entries: [...entries], skipped }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Fault('invalid', `The file is no JSON: ${(cause as Error).message}`, { cause })
  }
}
