// A list of terms, as a file: words and phrases that copy must not hold, and patterns.
import { Name } from '@whence/sdk'
import { RE2JS } from 're2js'
import { z } from 'zod'
import { readPolicyFile } from '../../files/policy-file.ts'
import type { PolicyForm } from '../../files/policy-file.ts'
import { phraseWords } from '../reading.ts'

export const Severity = z.enum(['low', 'medium', 'high'])
export type Severity = z.infer<typeof Severity>

/** Compiles a pattern for text that was brought to lower case. Throws an Error that says what is wrong with it. */
export function compileTerm(pattern: string, caseSensitive: boolean): RE2JS {
  return RE2JS.compile(caseSensitive ? pattern : lowerPattern(pattern))
}

/** A pattern in lower case, but for what stands for a class of characters: `\S` is not `\s`. */
function lowerPattern(pattern: string): string {
  return pattern.replace(/\\(?:[pP]\{[^}]*\}|x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|[^])|\(\?P?<[^>]*>|[^\\]/g, (piece) =>
    piece.length > 1 ? piece : piece.toLowerCase(),
  )
}

const Phrase = z
  .string()
  .min(1)
  .max(200)
  .refine((phrase) => phraseWords(phrase.replace(/\*$/, '')).trim() !== '', 'holds no letter: write it as a pattern')

const Entry = z.union([
  Phrase.transform((phrase) => ({ phrase })),
  z.strictObject({
    /** A word or several; with `*` at its end any word that begins so. */
    phrase: Phrase,
    severity: Severity.optional(),
    note: z.string().max(500).optional(),
  }),
  z
    .strictObject({
      /** RE2 syntax: linear in the text, without looking around and back references. */
      pattern: z.string().min(1).max(2000),
      name: z.string().min(1).max(100).optional(),
      severity: Severity.optional(),
      caseSensitive: z.boolean().default(false),
      note: z.string().max(500).optional(),
    })
    .superRefine(({ pattern, caseSensitive }, context) => {
      try {
        if (compileTerm(pattern, caseSensitive).matches(''))
          context.addIssue({ code: 'custom', path: ['pattern'], message: 'matches where nothing stands' })
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        context.addIssue({ code: 'custom', path: ['pattern'], message: `is no pattern of RE2: ${reason}` })
      }
    }),
])

const List = z.strictObject({
  kind: z.literal('TermList'),
  name: Name,
  description: z.string().max(2000).optional(),
  /** Where the terms are from, and under which licence. */
  source: z.string().max(500).optional(),
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/)
    .optional(),
  /** Of the entries that say none. */
  severity: Severity.default('medium'),
  terms: z.array(Entry).min(1).max(20_000),
})

export type TermList = z.output<typeof List>

export const termListForm: PolicyForm<TermList> = {
  kind: 'terms',
  word: 'TermList',
  title: 'term list',
  parse: (text, file) => readPolicyFile(List, text, file),
  rules: ({ terms, severity }) =>
    terms.map((term) =>
      'phrase' in term
        ? `${(term as { severity?: Severity }).severity ?? severity}: "${term.phrase}"`
        : `${term.severity ?? severity}: /${term.pattern}/`,
    ),
}
