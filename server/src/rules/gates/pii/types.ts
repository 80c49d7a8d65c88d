export const piiTypes = [
  'email',
  'phone',
  'card',
  'iban',
  'ip',
  'us_ssn',
  'es_dni',
  'it_codice_fiscale',
  'fr_nir',
] as const

/** What kind of personal data is recognised. */
export type PiiType = (typeof piiTypes)[number]

/** Personal data in a text. */
export interface PiiSpan {
  readonly type: PiiType
  readonly start: number
  readonly end: number
  /** `checked`: its checksum or numbering plan holds; `shaped`: it looks like one, and its surroundings say so. */
  readonly strength: 'checked' | 'shaped'
  /** In one way of writing: a telephone number as digits, with `+` where the country is known; the rest lower-case. */
  readonly value: string
}
