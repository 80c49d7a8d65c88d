// npm run measure:gates: how well the gates that read copy do on texts that others wrote, as docs/gates-measured.md. The
// texts lie in ../shared/data beside the repository (WHENCE_SHARED) and are no part of it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CopyPart, Verdict } from '@whence/sdk'
import { parse } from 'csv-parse/sync'
import { realData } from '../examples/real-data.ts'
import { wilson } from '../server/src/path/predictions/wilson.ts'
import { gateChainForm } from '../server/src/rules/gates/chain.ts'
import { judge } from '../server/src/rules/gates/judge.ts'
import type { GatesInForce } from '../server/src/rules/gates/judge.ts'
import { ibanLengths, mod97 } from '../server/src/rules/gates/pii/checksums.ts'
import { recognise } from '../server/src/rules/gates/pii/recognise.ts'
import type { PiiType } from '../server/src/rules/gates/pii/types.ts'
import { Reading } from '../server/src/rules/gates/reading.ts'
import { importTerms } from '../server/src/rules/gates/terms/importing.ts'
import { TermMatcher } from '../server/src/rules/gates/terms/matcher.ts'
import { termListForm } from '../server/src/rules/gates/terms/term-list.ts'
import type { Severity } from '../server/src/rules/gates/terms/term-list.ts'
import { factsOf } from '../server/src/rules/gates/testing.ts'

/** How often something was there and found, there and missed, found and not there. */
export interface Tally {
  found: number
  missed: number
  wrong: number
}

export const recall = ({ found, missed }: Tally): number => (found + missed === 0 ? 1 : found / (found + missed))
export const precision = ({ found, wrong }: Tally): number => (found + wrong === 0 ? 1 : found / (found + wrong))

interface Labelled {
  full_text: string
  spans: { entity_type: string; entity_value: string; start_position: number; end_position: number }[]
}

const parseCsv = (text: string): Record<string, string>[] =>
  parse(text, { columns: true, bom: true, relax_quotes: true })

/** What the corpus calls what we look for. */
const entities: Readonly<Record<string, PiiType>> = {
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  CREDIT_CARD: 'card',
  IBAN_CODE: 'iban',
  IP_ADDRESS: 'ip',
  US_SSN: 'us_ssn',
}

/** Texts of presidio-research with labelled spans. Found: a span of the kind overlaps the label. */
export function labelled(folder: string): { texts: number; by: Map<string, Tally>; others: Map<string, number> } {
  const texts = JSON.parse(readFileSync(join(folder, 'text/presidio/generated_small.json'), 'utf8')) as Labelled[]
  const by = new Map<string, Tally>(Object.keys(entities).map((entity) => [entity, { found: 0, missed: 0, wrong: 0 }]))
  const others = new Map<string, number>()
  for (const { full_text: text, spans } of texts) {
    const seen = recognise(text)
    const meets = (entity: string, at: Labelled['spans'][number], one: (typeof seen)[number]): boolean =>
      at.entity_type === entity &&
      one.type === entities[entity] &&
      one.start < at.end_position &&
      one.end > at.start_position
    for (const span of spans) {
      const tally = by.get(span.entity_type)
      if (tally === undefined) others.set(span.entity_type, (others.get(span.entity_type) ?? 0) + 1)
      else if (seen.some((one) => meets(span.entity_type, span, one))) tally.found++
      else tally.missed++
    }
    for (const one of seen) {
      const entity = Object.keys(entities).find((name) => entities[name] === one.type)
      if (entity !== undefined && !spans.some((span) => meets(entity, span, one))) by.get(entity)!.wrong++
    }
  }
  return { texts: texts.length, by, others }
}

/** The same corpus's sentences, filled in with its fake people, and with accounts that we make up. */
export function filledIn(folder: string): Map<PiiType, Tally> {
  const people = parseCsv(readFileSync(join(folder, 'text/presidio/FakeNameGenerator.com_100.csv'), 'utf8'))
  const templates = readFileSync(join(folder, 'text/presidio/templates.txt'), 'latin1')
    .split('\n')
    // The file writes line ends and commas with a backslash.
    .map((line) => line.replaceAll('\\n', '\n').replaceAll('\\,', ','))
  const tallies = new Map<PiiType, Tally>()
  const slots: [slot: string, type: PiiType, value: (n: number) => string][] = [
    ['{{email}}', 'email', (n) => people[n]!['EmailAddress']!],
    ['{{phone_number}}', 'phone', (n) => people[n]!['TelephoneNumber']!],
    ['{{credit_card_number}}', 'card', (n) => people[n]!['CCNumber']!],
    ['{{iban}}', 'iban', accountOf],
  ]
  for (const [slot, type, value] of slots) {
    const tally: Tally = { found: 0, missed: 0, wrong: 0 }
    tallies.set(type, tally)
    for (const template of templates.filter((line) => line.includes(slot))) {
      for (let n = 0; n < people.length; n++) {
        const filled = template.replace(slot, '\u0000').replaceAll(/\{\{[^}]*\}\}/g, 'something')
        const start = filled.indexOf('\u0000')
        const put = value(n)
        const seen = recognise(filled.replace('\u0000', () => put)).filter((one) => one.type === type)
        const hit = seen.some((one) => one.start < start + put.length && one.end > start)
        tally[hit ? 'found' : 'missed']++
        tally.wrong += seen.filter((one) => one.start >= start + put.length || one.end <= start).length
      }
    }
  }
  return tallies
}

/** A bank account that nobody has, with its right check digits; half of them in groups of four. */
function accountOf(n: number): string {
  const countries = Object.keys(ibanLengths)
  const country = countries[(n * 7) % countries.length]!
  let rest = ''
  for (let at = 0; rest.length < ibanLengths[country]! - 4; at++) rest += String((n * 31 + at * at * 17 + at * 3) % 10)
  const check = String(98 - mod97(`${rest}${country}00`)).padStart(2, '0')
  const whole = `${country}${check}${rest}`
  return n % 2 === 0 ? whole : whole.replace(/(.{4})(?=.)/g, '$1 ')
}

/** The chain that the e-mail example ships. */
export function exampleChain(): GatesInForce {
  const read = (name: string): string =>
    readFileSync(new URL(`../examples/email/policies/${name}.yaml`, import.meta.url), 'utf8')
  const chain = gateChainForm.parse(read('gates'), 'gates.yaml')
  return {
    chains: [{ policy: chain, version: 1 }],
    terms: [{ policy: termListForm.parse(read('claims'), 'claims.yaml'), version: 1 }],
  }
}

/** Marketing e-mails that were sent, under the example's chain. */
export async function realEmails(
  folder: string,
): Promise<{ emails: number; stopped: Map<string, number>; held: number }> {
  const rows = parseCsv(readFileSync(join(folder, 'text/lomo-email-campaigns/campaign_data.csv'), 'utf8'))
  const stopped = new Map<string, number>()
  let held = 0
  for (const row of rows) {
    const verdicts = await verdictsOn([
      { part: 'subject', text: row['subject']! },
      { part: 'text', text: row['email_body']! },
    ])
    const against = verdicts.filter(({ outcome, shadow }) => outcome !== 'pass' && !shadow)
    if (against.length > 0) held++
    for (const { gate, findings } of against)
      for (const code of new Set(findings.map((finding) => finding.code)))
        stopped.set(`${gate}: ${code}`, (stopped.get(`${gate}: ${code}`) ?? 0) + 1)
  }
  return { emails: rows.length, stopped, held }
}

const inForce = exampleChain()

async function verdictsOn(copy: CopyPart[]): Promise<Verdict[]> {
  const facts = { ...factsOf(), copy }
  return judge(inForce, facts, async () => ({ failure: 'unreachable', reason: 'no scorer is measured here' }))
}

/** SpamAssassin's rules against text messages that people called spam or not. */
export function spam(folder: string): { taken: number; skipped: number; by: Map<Severity, Tally & { ham: number }> } {
  const rules = readFileSync(join(folder, 'text/spamassassin-rules/rules.json'), 'utf8')
  const { list, skipped } = importTerms(rules, { name: 'spamassassin' })
  const matcher = new TermMatcher(list)
  const levels: Severity[] = ['low', 'medium', 'high']
  const by = new Map(levels.map((level) => [level, { found: 0, missed: 0, wrong: 0, ham: 0 }]))
  const messages = readFileSync(join(folder, 'text/sms-spam/SMSSpamCollection'), 'utf8').split('\n').slice(1)
  for (const line of messages) {
    const [label, text] = line.split('\t')
    if (text === undefined) continue
    const reading = new Reading({ part: 'text', text })
    const worst = Math.max(
      -1,
      ...matcher.find(reading, reading.views[0]!).map(({ severity }) => levels.indexOf(severity)),
    )
    levels.forEach((level, rank) => {
      const tally = by.get(level)!
      const says = worst >= rank
      if (label === 'spam') tally[says ? 'found' : 'missed']++
      else {
        tally.ham++
        if (says) tally.wrong++
      }
    })
  }
  return { taken: list.terms.length, skipped: skipped.length, by }
}

/** Ways of writing a word past a filter. */
const disguises: Readonly<Record<string, (word: string) => string>> = {
  'as it is': (word) => word,
  'capitals, an accent': (word) => word.toUpperCase().replace(/[AEO]/, (letter) => `${letter}\u0301`),
  'zero-width characters inside': (word) => Array.from(word).join('\u200b'),
  'soft hyphens inside': (word) => Array.from(word).join('\u00ad'),
  'Cyrillic and Greek letters': (word) =>
    word.replace(
      /[aeopcxiv]/g,
      (letter) => ({ a: 'а', e: 'е', o: 'ο', p: 'р', c: 'с', x: 'х', i: 'і', v: 'ν' })[letter]!,
    ),
  'full-width letters': (word) => word.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0)),
  'mathematical letters': (word) =>
    word.replace(/[a-z]/g, (letter) => String.fromCodePoint(0x1d41a + letter.charCodeAt(0) - 97)),
  'letters apart': (word) => Array.from(word).join(' '),
  'dots between letters': (word) => Array.from(word).join('.'),
  'digits for letters': (word) => word.replace('o', '0').replace('i', '1').replace('e', '3'),
  'tags inside, as HTML': (word) => `<p>${word[0]}<b></b>${word.slice(1)}</p>`,
  'hidden text inside, as HTML': (word) => `<p>${word[0]}<span style="display:none">q</span>${word.slice(1)}</p>`,
  'character references, as HTML': (word) => `<p>${word.replace(/[a-z]/g, (one) => `&#${one.charCodeAt(0)};`)}</p>`,
}

/** Words of one list (no phrases), in a sentence, in each disguise. */
export function disguised(folder: string): {
  words: number
  by: Map<string, Tally>
  innocent: { texts: number; found: number }
} {
  const { list } = importTerms(readFileSync(join(folder, 'text/ldnoobw/en'), 'utf8'), { name: 'words', language: 'en' })
  const matcher = new TermMatcher(list)
  const words = list.terms
    .map((term) => ('phrase' in term ? term.phrase : ''))
    .filter((phrase) => /^[a-z]{4,}$/.test(phrase))
  const by = new Map<string, Tally>()
  for (const [name, change] of Object.entries(disguises)) {
    const tally = { found: 0, missed: 0, wrong: 0 }
    by.set(name, tally)
    for (const word of words) {
      const reading = new Reading({
        part: name.endsWith('HTML') ? 'html' : 'text',
        text: `this is ${change(word)}, they said`,
      })
      tally[
        reading.views.some((view) => view.seen === 'visible' && matcher.find(reading, view).length > 0)
          ? 'found'
          : 'missed'
      ]++
    }
  }
  const emails = parseCsv(readFileSync(join(folder, 'text/lomo-email-campaigns/campaign_data.csv'), 'utf8'))
  const found = emails.filter((row) => {
    const reading = new Reading({ part: 'text', text: row['email_body']! })
    return reading.views.some((view) => matcher.find(reading, view).length > 0)
  }).length
  return { words: words.length, by, innocent: { texts: emails.length, found } }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

function interval(tally: Tally): string {
  const { low, high } = wilson(tally.found, tally.found + tally.missed)
  return `${percent(low)} to ${percent(high)}`
}

async function document(folder: string): Promise<string> {
  const { texts, by, others } = labelled(folder)
  const filled = filledIn(folder)
  const emails = await realEmails(folder)
  const rules = spam(folder)
  const hidden = disguised(folder)
  const rows = (lines: readonly string[][]): string => lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  return `# The gates, measured

Made by \`npm run measure:gates\` from texts that others wrote; run it again after a change. Nothing here was used to
train anything, but the recognisers were written with the first of these texts at hand: read its table as a check, not as
a forecast. Intervals are Wilson's, at 95 %.

## Personal data, on labelled texts

${texts} texts of presidio-research (generated_small.json). Found means that a span of the kind overlaps the label.

| entity | labels | found | recall | interval | precision |
|---|---|---|---|---|---|
${rows(
  [...by].map(([entity, tally]) => [
    entity,
    String(tally.found + tally.missed),
    String(tally.found),
    tally.found + tally.missed === 0 ? 'no label' : percent(recall(tally)),
    tally.found + tally.missed === 0 ? '' : interval(tally),
    tally.found + tally.wrong === 0 ? '' : percent(precision(tally)),
  ]),
)}

Not looked for, and so not found: ${[...others].map(([entity, count]) => `${entity} (${count})`).join(', ')}. Names,
addresses and places have no shape; a scorer may be asked for them.

## Personal data, on sentences filled in

The same project's sentences, each filled in with the data of its 100 fake people of many countries (telephone numbers as
people of the country write them), and with bank accounts made up with right check digits.

| kind | texts | found | recall | interval | precision |
|---|---|---|---|---|---|
${rows(
  [...filled].map(([type, tally]) => [
    type,
    String(tally.found + tally.missed),
    String(tally.found),
    percent(recall(tally)),
    interval(tally),
    percent(precision(tally)),
  ]),
)}

## Real e-mails under the example's chain

${emails.emails} marketing e-mails that were sent, judged by [examples/email/policies](../examples/email/policies) as
it is. **${emails.held} of ${emails.emails}** would have been held or refused${emails.held === 0 ? '. None of them holds an address or a number, so this says little of the personal data in others.' : ':'}
${emails.held === 0 ? '' : `\n${rows([['why', 'e-mails'], ['---', '---'], ...[...emails.stopped].map(([why, count]) => [why, String(count)])])}\n`}
## Prohibited terms: SpamAssassin's rules on text messages

${rules.taken} rules on the body were taken, ${rules.skipped} left out (about headers, switched off, or not linear). They were
written for e-mail of another time; text messages are another kind of spam, so recall says more about the list than about
the matcher.

| counting from | spam found | recall | of ham | precision |
|---|---|---|---|---|
${rows(
  [...rules.by].map(([level, tally]) => [
    level,
    `${tally.found} of ${tally.found + tally.missed}`,
    percent(recall(tally)),
    `${tally.wrong} of ${tally.ham} (${percent(tally.wrong / tally.ham)})`,
    percent(precision(tally)),
  ]),
)}

## Prohibited terms in disguise

${hidden.words} words of LDNOOBW's English list, each in a sentence, each written in these ways. The same list finds
something in ${hidden.innocent.found} of the ${hidden.innocent.texts} real e-mails.

| written | found | recall |
|---|---|---|
${rows([...hidden.by].map(([name, tally]) => [name, `${tally.found} of ${tally.found + tally.missed}`, percent(recall(tally))]))}
`
}

if (import.meta.main) {
  const text = await document(realData())
  writeFileSync(new URL('../docs/gates-measured.md', import.meta.url), text)
  console.log(text)
}
