// What IAB strings say of consent, as receipts of ours. Only an express yes is a grant: that nobody opted out is none.
import type { ConsentReceipt, ReceiptPurpose } from '@whence/sdk'
import { Channel } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../../fault.ts'
import type { DecodedSection } from './consent-strings.ts'

export interface IabOptions {
  /** Our names, by theirs: `tcf.3`, `usnat.SaleOptOut`. */
  readonly purposes?: Readonly<Record<string, string>> | undefined
  readonly vendor?: number | undefined
  readonly channels?: readonly string[] | undefined
}

type Said = 'given' | 'refused' | 'unknown'

/** Purposes that the policies of the TCF define, of the 24 that a string has room for. */
const TCF_PURPOSES = 11

/** Reads decoded sections into one receipt about a person. Throws `invalid` where they say nothing of any purpose. */
export function readIab(
  text: string,
  sections: readonly DecodedSection[],
  person: string,
  { purposes = {}, vendor, channels }: IabOptions,
): Omit<ConsentReceipt, 'identifier' | 'subject' | 'subjectType'> {
  const said = sections.flatMap((section) => saidIn(section, vendor))
  if (said.length === 0) throw new Fault('invalid', 'the string says nothing of any purpose')
  const together = new Map<string, Said>()
  for (const [theirs, state] of said) {
    const name = Object.hasOwn(purposes, theirs) ? purposes[theirs]! : theirs
    together.set(name, worse(together.get(name), state))
  }
  if (together.size > 100)
    throw new Fault('invalid', `the string has ${together.size} purposes: a receipt has 100 at most`)
  const fields = sections.find(({ section }) => section.startsWith('tcf'))?.fields ?? {}
  const updated = fields.LastUpdated instanceof Date ? fields.LastUpdated : undefined
  const language = typeof fields.ConsentLanguage === 'string' ? fields.ConsentLanguage.toLowerCase() : undefined
  return {
    id: idOf(person, text),
    version: 1,
    schema: `IAB ${sections.map(({ section }) => section).join(', ')}`,
    state: 'unknown',
    ...(updated ? { time: updated.toISOString() } : {}),
    purposes: [...together].map(([purpose, state]): ReceiptPurpose => ({
      purpose,
      state,
      ...(channels ? { channels: channels.map((each) => Channel.parse(each)) } : {}),
    })),
    ...(language ? { language } : {}),
  }
}

function saidIn({ section, fields }: DecodedSection, vendor: number | undefined): [string, Said][] {
  if (section === 'tcfeuv2') {
    const allowed = vendor === undefined || list(fields.VendorConsents).includes(vendor)
    return flags('tcf', list(fields.PurposeConsents).slice(0, TCF_PURPOSES), allowed)
  }
  if (section === 'tcfcav1') {
    const allowed = vendor === undefined || list(fields.VendorExpressConsent).includes(vendor)
    return flags('tcfca', list(fields.PurposesExpressConsent).slice(0, TCF_PURPOSES), allowed)
  }
  if (section === 'uspv1') return [['usp.sale', fields.OptOutSale === 'Y' ? 'refused' : 'unknown']]
  // Of the sections of states: 1 is opted out, 2 is not, 0 does not apply.
  return Object.entries(fields).flatMap(([name, value]): [string, Said][] =>
    name.endsWith('OptOut') && typeof value === 'number'
      ? [[`${section}.${name}`, value === 1 ? 'refused' : 'unknown']]
      : [],
  )
}

function flags(prefix: string, consents: readonly unknown[], allowed: boolean): [string, Said][] {
  return consents.map((yes, at) => [`${prefix}.${at + 1}`, yes === true && allowed ? 'given' : 'refused'])
}

function worse(a: Said | undefined, b: Said): Said {
  const order: readonly Said[] = ['given', 'unknown', 'refused']
  return a === undefined || order.indexOf(b) > order.indexOf(a) ? b : a
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** One id for one string of one person, as a UUID (version 8): many people have the same string. */
function idOf(person: string, text: string): string {
  const hex = hash('sha256', `${person}\0${text}`, 'hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
