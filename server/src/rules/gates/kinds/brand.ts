// What the brand asks of its copy: what must be said, what must not, how long it is, in which language, and how to
// leave.
import type { Finding } from '@whence/sdk'
import type { GateOf } from '../chain.ts'
import type { Gate } from '../gate.ts'
import { phraseWords } from '../reading.ts'
import type { Reading } from '../reading.ts'
import { compileTerm } from '../terms/term-list.ts'
import { lower } from '../text/fold.ts'
import type { Span } from '../text/mapped.ts'
import { seen } from './finding.ts'

type Phrasing = GateOf<'brand'>['required'][number]['says']

const leaving =
  /(?:un ?subscri|opt ?out|opt ?-out|abmeld|abbestell|austragen|desabonn|desinscri|se d[ée]sinscrire|cancelar (?:la )?suscripcion|darse de baja|dar(?:se|te|me)? de baja|annulla (?:l )?iscrizione|disiscri|cancellati|afmelden|uitschrijven|cancelar inscri|descadastr|manage (?:your )?(?:email )?preferences|(?:text|reply|send|txt) stop|stop to |stop ?2|\bstop\b.{0,20}\b(?:end|cancel|quit|opt))/
/** A language is told only of a text that is long enough to tell. */
const leastForLanguage = 40
const mostForLanguage = 20_000

export function brandGate(gate: GateOf<'brand'>): Gate {
  const required = gate.required.map((one) => ({ ...one, find: finder(one.says) }))
  const forbidden = gate.forbidden.map((one) => ({ ...one, find: finder(one.says) }))
  return async ({ readings }) => {
    if (readings.length === 0) return seen([], { parts: 0 })
    const findings: Finding[] = []
    for (const { parts, find, says } of required) {
      // In each of the parts that it names; in one of all where it names none.
      const among = parts === undefined ? [readings] : parts.map((part) => readings.filter((one) => one.part === part))
      among.forEach((some, place) => {
        if (some.some((reading) => find(reading).length > 0)) return
        const where = parts === undefined ? {} : { part: parts[place]! }
        findings.push({ code: 'brand.required', message: `it must say ${called(says)}`, ...where })
      })
    }
    for (const { parts, find, says } of forbidden)
      for (const reading of readings)
        if (parts === undefined || parts.includes(reading.part))
          for (const { start, end } of find(reading).slice(0, 20))
            findings.push({
              code: 'brand.forbidden',
              message: `it must not say ${called(says)}`,
              part: reading.part,
              start,
              end,
            })
    if (gate.unsubscribe && !readings.some(canLeave))
      findings.push({ code: 'brand.unsubscribe', message: 'it must say how to unsubscribe, where it is seen' })
    const languages: Record<string, string> = {}
    for (const reading of readings) {
      findings.push(...lengthOf(reading, gate.lengths[reading.part]))
      const language = gate.languages && (await languageOf(reading))
      if (language === undefined) continue
      languages[reading.part] = language
      if (!gate.languages!.includes(language))
        findings.push({
          code: 'brand.language',
          message: `it reads as "${language}", and ${gate.languages!.join(' or ')} is asked`,
          part: reading.part,
        })
    }
    return seen(findings, gate.languages ? { languages } : {})
  }
}

const characters = new Intl.Segmenter()
/** Up to here what a reader calls a character is counted; longer texts are counted in code units. */
const mostCounted = 10_000

function lengthOf({ part, visible }: Reading, asked: GateOf<'brand'>['lengths'][string] | undefined): Finding[] {
  if (asked === undefined) return []
  const { least = 0, most = Infinity } = asked
  const text = visible.text.trim()
  const length = text.length > mostCounted ? text.length : [...characters.segment(text)].length
  const wrong =
    length < least ? `at least ${least} are asked` : length > most ? `at most ${most} are allowed` : undefined
  return wrong === undefined ? [] : [{ code: 'brand.length', message: `${length} characters, and ${wrong}`, part }]
}

/** Where something is seen in a part. */
function finder(says: Phrasing): (reading: Reading) => Span[] {
  if (typeof says === 'string') {
    const words = phraseWords(says)
    return (reading) => {
      const form = reading.forms(visibleView(reading))[0]!
      const found: Span[] = []
      for (let at = form.text.indexOf(words); at >= 0 && found.length < 100; at = form.text.indexOf(words, at + 1))
        found.push(form.origin(at + 1, at + words.length - 1))
      return found
    }
  }
  const pattern = compileTerm(says.pattern, false)
  return (reading) => {
    const text = lower(reading.plain(visibleView(reading)))
    const matcher = pattern.matcher(text.text)
    const found: Span[] = []
    while (found.length < 100 && matcher.find()) found.push(text.origin(matcher.start(), matcher.end()))
    return found
  }
}

function visibleView(reading: Reading): Reading['views'][number] {
  return reading.views.findLast(({ seen: how }) => how === 'visible')!
}

/** A link that is seen and leads out, or a sentence that says how. */
function canLeave(reading: Reading): boolean {
  const links = reading.page?.links ?? []
  for (const { href, text } of links) {
    if (text.trim() === '' || !/^(?:https?:|mailto:|\{\{|\*\||%)/i.test(href.trim())) continue
    if (leaving.test(phraseWords(text)) || /unsubscri|opt-?out|abmeld|desinscri|desabonn|disiscri/i.test(href))
      return true
  }
  if (reading.page !== undefined) return false
  return leaving.test(reading.forms(visibleView(reading))[0]!.text) || /unsubscri|opt-?out|abmeld/i.test(reading.source)
}

/** The language that a part reads as; undefined where it is too short to tell. */
export async function languageOf(reading: Reading): Promise<string | undefined> {
  const text = reading.plain(visibleView(reading)).text.slice(0, mostForLanguage)
  const prose = text.replace(/https?:\S{1,2000}|\S{1,200}@\S{1,200}|\d+/g, ' ').trim()
  if (prose.length < leastForLanguage) return undefined
  // Some megabytes of n-grams, loaded when first asked for.
  const { eld } = await import('eld/medium')
  const result = eld.detect(prose)
  return result.isReliable() ? result.language || undefined : undefined
}

const called = (says: Phrasing): string => (typeof says === 'string' ? `"${says}"` : `/${says.pattern}/`)
