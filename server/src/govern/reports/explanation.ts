import type {
  Claim,
  ContributingEvent,
  ExplainedApproval,
  ExplainedInput,
  Explanation,
  FeatureValue,
  Truth,
} from '@whence/sdk'
import { number, plural } from './text.ts'

// What the text and the page say alike.

/** What is altered comes first, then what is contradicted, erased and missing. */
export function badNews({ alerts, records }: Explanation): { mark: 'altered' | Truth; text: string }[] {
  const order: Truth[] = ['contradicted', 'erased', 'missing', 'asserted', 'recomputed']
  const said = alerts
    .toSorted((a, b) => order.indexOf(a.truth) - order.indexOf(b.truth))
    .map(({ truth, text }) => ({ mark: truth, text }))
  const altered = records
    .filter(({ integrity, seq }) => integrity === 'altered' && !said.some(({ text }) => names(text, seq)))
    .map(({ seq, kind, problem }) => ({
      mark: 'altered' as const,
      text: `Record ${number(seq)} (${kind}) is altered${problem ? `: ${problem}` : ''}`,
    }))
  return [...altered, ...said]
}

function names(text: string, seq: number): boolean {
  return new RegExp(`(?<![\\d,])(${seq}|${number(seq)})(?![\\d,])`).test(text) && /altered/i.test(text)
}

/** A feature's value for people: four significant digits, `none` for null. */
export function valueText(value: FeatureValue | undefined): string {
  if (value === undefined) return ''
  if (value === null) return 'none'
  if (typeof value !== 'number') return String(value)
  return Number.isInteger(value) ? number(value) : number(Number(value.toPrecision(4)), 10)
}

/** Log-odds with their sign: `+0.41`, `−0.05`, `+0.003`. */
export function signed(contribution: number): string {
  const size = Math.abs(contribution)
  const digits = size === 0 || size >= 0.01 ? size.toFixed(2) : size >= 0.0001 ? size.toFixed(4) : size.toExponential(0)
  return `${contribution < 0 ? '−' : '+'}${digits}`
}

/** The value to show for an input, and where its versions differ, all of them. */
export function inputValue({ served, stored, recomputed }: ExplainedInput): FeatureValue | undefined {
  return stored ?? served ?? recomputed
}

export function differing({ served, stored, recomputed, truth }: ExplainedInput): string {
  if (truth !== 'contradicted') return ''
  return [
    served === undefined ? '' : `served ${valueText(served)}`,
    stored === undefined ? '' : `snapshot ${valueText(stored)}`,
    recomputed === undefined ? '' : `recomputed ${valueText(recomputed)}`,
  ]
    .filter(Boolean)
    .join(', ')
}

/** `Spring Sale / creative B`, or whichever of the two is known. */
export function campaignOf({
  campaign,
  creative,
}: {
  campaign?: string | undefined
  creative?: string | undefined
}): string {
  return [campaign, creative === undefined ? undefined : `creative ${creative}`].filter(Boolean).join(' / ')
}

/**
 * The campaigns behind some events, the three most frequent: `Spring Sale / creative A, B ×2 · Newsletter 11 · 2 more`;
 * where none is named, the platforms.
 */
export function campaignsOf(events: readonly ContributingEvent[]): string {
  const campaigns = Map.groupBy(events, ({ campaign, platform }) => campaign ?? platform ?? '')
  if (campaigns.size === 1 && campaigns.has('')) return ''
  const named = [...campaigns]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([name, those]) => {
      const creatives = counted(those.flatMap(({ creative }) => creative ?? []))
      return creatives === '' ? times(name || 'no campaign named', those.length) : `${name} / creative ${creatives}`
    })
  return (named.length > 4 ? [...named.slice(0, 3), `${number(named.length - 3)} more`] : named).join(' · ')
}

function counted(names: readonly string[]): string {
  return [...Map.groupBy(names, (name) => name)].map(([name, those]) => times(name, those.length)).join(', ')
}

function times(name: string, count: number): string {
  return count === 1 ? name : `${name} ×${count}`
}

export function consentOf({ consent }: ContributingEvent): string {
  if (consent === undefined) return 'not said'
  return typeof consent === 'string' ? consent : consent ? 'yes' : 'no'
}

/** `passed, 9 rules`, or what the event broke. */
export function verdictOf({ outcome, rules, failed }: ContributingEvent): string {
  return failed.length === 0 ? `${outcome}, ${plural(rules, 'rule')}` : `${outcome}: ${failed.join(', ')}`
}

/** A decision about a model or its training set, in words. */
export function approvalText({ of, decision, as, purpose, time, seq, note }: ExplainedApproval): string {
  const where = seq === undefined ? 'as its producer says' : `record ${number(seq)}`
  const when = time === undefined ? '' : `, ${time.slice(0, 10)}`
  const what = `the ${of}: ${decision} as ${as}${purpose === undefined ? '' : `, for ${purpose}`}${when} (${where})`
  return note === undefined ? what : `${what}: ${note}`
}

export function claimsOf({ claims }: Explanation, ...subjects: Claim['subject'][]): Claim[] {
  return claims.filter(({ subject }) => subjects.includes(subject))
}

/** What a claim is about: `input clicks_30d`, and not `consent consent`. */
export function claimName({ subject, name }: Claim): { subject: string; name: string } {
  return { subject: name.startsWith(subject) ? '' : subject, name }
}

/** The claims, with those about single events that say the same put into one. */
export function withEventsTogether(claims: readonly Claim[]): Claim[] {
  const kinds = Map.groupBy(claims, (claim) =>
    claim.subject === 'event'
      ? JSON.stringify([claim.value, claim.truth, claim.integrity, claim.note, claim.by])
      : claim,
  )
  return [...kinds.values()].map((those) => {
    const [first] = those
    if (those.length === 1) return first!
    const records = [...new Set(those.flatMap((claim) => claim.records))]
    return { ...first!, name: plural(those.length, 'event'), records }
  })
}

/** The weakest of several marks. */
export function weakest(marks: readonly Truth[]): Truth {
  const order: Truth[] = ['contradicted', 'erased', 'missing', 'asserted']
  return order.find((mark) => marks.includes(mark)) ?? 'recomputed'
}

export const notAnchored = 'not yet independently anchored'

/** `17 claims: 14 recomputed · 2 asserted · 0 contradicted · 1 missing` */
export function countsText({ counts }: Explanation): string {
  const { recomputed, asserted, contradicted, missing, erased } = counts
  const parts = [
    `${recomputed} recomputed`,
    `${asserted} asserted`,
    `${contradicted} contradicted`,
    `${missing} missing`,
  ]
  if (erased > 0) parts.push(`${erased} erased`)
  const all = recomputed + asserted + contradicted + missing + erased
  return `${plural(all, 'claim')}: ${parts.join(' · ')}`
}

/** `12 records, all intact` or how many are not. */
export function integrityText({ records }: Explanation): string {
  const altered = records.filter(({ integrity }) => integrity === 'altered').length
  if (altered === 0) return `${plural(records.length, 'record')}, ${records.length === 1 ? '' : 'all '}intact`
  return `${plural(records.length, 'record')}: ${number(records.length - altered)} intact, ${number(altered)} altered`
}

/** `from shop.public.mail_log, over 2 jobs and 3 datasets`: where the streams and the training data come from. */
export function upstreamText({ lineage }: Explanation): string | undefined {
  if (!lineage) return undefined
  const names = lineage.sources.slice(0, 5).map(({ name }) => name)
  const more = lineage.sourceCount > names.length ? ` and ${number(lineage.sourceCount - names.length)} more` : ''
  const way = `over ${plural(lineage.jobs, 'job')} and ${plural(lineage.datasets, 'dataset')}`
  if (names.length > 0) return `from ${names.join(', ')}${more}, ${way}`
  return lineage.datasets === 0 ? 'no pipeline upstream is known' : `no source is known, ${way}`
}
