// Personal data in the copy: whose it is matters more than that it is there. The recipient's own may be meant; another
// person's never is.
import type { Finding } from '@whence/sdk'
import type { GateOf } from '../chain.ts'
import type { Gate, GateFacts } from '../gate.ts'
import { recognise } from '../pii/recognise.ts'
import type { PiiSpan, PiiType } from '../pii/types.ts'
import { seen } from './finding.ts'

const called: Readonly<Record<PiiType, string>> = {
  email: 'an e-mail address',
  phone: 'a telephone number',
  card: 'the number of a payment card',
  iban: 'the number of a bank account',
  ip: 'an IP address',
  us_ssn: 'a social security number (US)',
  es_dni: 'an identity number (ES)',
  it_codice_fiscale: 'a tax code (IT)',
  fr_nir: 'a social security number (FR)',
}

const mostAsked = 1000

export function piiGate(gate: GateOf<'pii'>): Gate {
  const allowed = allowing(gate.allow)
  return ({ facts, readings }) => {
    const findings = new Map<string, Finding>()
    const found: Partial<Record<PiiType, number>> = {}
    for (const reading of readings) {
      for (const view of reading.views) {
        for (const span of recognise(reading.plain(view), gate.countries ? { countries: gate.countries } : {})) {
          const { type, start, end } = span
          const key = `${reading.part}:${type}:${start}`
          if (!gate.types.includes(type) || allowed(span) || findings.has(key)) continue
          // Enough to judge by: each more would ask whose it is.
          if (findings.size >= mostAsked) return seen([...findings.values()], { found })
          const whose = whoseIs(span, reading.source.slice(start, end), facts)
          if (whose === 'recipient' && gate.recipient) continue
          found[type] = (found[type] ?? 0) + 1
          const of = whose === 'other' ? ' of another person' : whose === 'recipient' ? ' of the recipient' : ''
          findings.set(key, {
            code: whose === 'other' ? `pii.other_person.${type}` : `pii.${type}`,
            message: `${called[type]}${of}${view.seen === 'visible' ? '' : `, in what is ${view.seen}`}`,
            part: reading.part,
            start,
            end,
          })
        }
      }
    }
    return seen([...findings.values()], { found })
  }
}

/** Asked for as it is written and in one way of writing: nobody knows how identifiers were recorded. */
function whoseIs(
  { type, value }: PiiSpan,
  written: string,
  { contact, proposal }: GateFacts,
): 'recipient' | 'other' | 'unknown' {
  if (type !== 'email' && type !== 'phone') return 'unknown'
  const { address, entity } = proposal
  if ([address, entity].some((own) => own !== undefined && same(own, value))) return 'recipient'
  for (const identifier of new Set([written, value, value.replace(/^\+/, '')])) {
    const whose = contact(identifier)
    if (whose !== 'unknown') return whose
  }
  return 'unknown'
}

/** Two ways of writing one address or number. */
function same(own: string, value: string): boolean {
  if (own.trim().toLowerCase() === value) return true
  const digits = own.replace(/\D/g, '')
  return digits.length >= 7 && digits === value.replace(/\D/g, '')
}

function allowing(allow: readonly string[]): (span: PiiSpan) => boolean {
  const domains = allow.filter((one) => one.startsWith('@')).map((one) => one.toLowerCase())
  const whole = new Set(allow.map((one) => one.toLowerCase()))
  const digits = new Set(allow.map((one) => one.replace(/\D/g, '')).filter((one) => one.length >= 5))
  return ({ type, value }) => {
    if (whole.has(value)) return true
    if (type === 'email') {
      const host = value.slice(value.lastIndexOf('@'))
      return domains.some((domain) => host === domain || host.endsWith(`.${domain.slice(1)}`))
    }
    return digits.has(value.replace(/\D/g, ''))
  }
}
