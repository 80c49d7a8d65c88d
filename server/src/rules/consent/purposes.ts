// Purposes, as a file: for what people's data is used, on which grounds, by which channels, under which notices. The file
// holds the notices word for word, so that what people were shown is on the log with it.
import { Channel, Jurisdiction, LawfulBasis, Name } from '@whence/sdk'
import { hash } from 'node:crypto'
import { z } from 'zod'
import { DAY } from '../../record/time.ts'
import type { Micros } from '../../record/time.ts'
import { readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'

const Version = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, ".", "_" and "-"')
const Language = z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/, 'a language tag like en or pt-BR')

const Notice = z.strictObject({
  version: Version,
  language: Language,
  jurisdiction: Jurisdiction.optional(),
  text: z.string().min(1).max(200_000),
})

/** Bases that hold for a person only where a receipt of theirs says so. */
const personal: ReadonlySet<LawfulBasis> = new Set<LawfulBasis>(['consent', 'soft_opt_in'])

/** Bases on which somebody may be written to for marketing: the others are for what is no marketing. */
const forMarketing: readonly LawfulBasis[] = ['consent', 'soft_opt_in', 'legitimate_interest']

const Ground = z
  .strictObject({
    basis: LawfulBasis,
    /** Why the interest outweighs, or where that is written. */
    assessment: z.string().min(1).max(20_000).optional(),
    channels: z.array(Channel).min(1).max(50).optional(),
    jurisdictions: z.array(Jurisdiction).min(1).max(300).optional(),
    /** Versions of notices that count. */
    notices: z.array(Version).min(1).max(200).optional(),
    /** How long a receipt counts, from its own time. */
    lasts: z
      .string()
      .regex(/^[1-9]\d{0,4}d$/, 'a number of days, like 730d')
      .transform((text): Micros => Number(text.slice(0, -1)) * DAY)
      .optional(),
    /** Whether it holds only for whom a receipt with this basis is on record. */
    receipt: z.boolean().optional(),
  })
  .refine(({ basis, assessment }) => basis !== 'legitimate_interest' || assessment !== undefined, {
    message: 'a legitimate interest needs its assessment: say why it outweighs, or where that is written',
    path: ['assessment'],
  })
  .refine(({ basis, receipt }) => receipt !== false || !personal.has(basis), {
    message: 'this basis is always a matter of one person: leave it out',
    path: ['receipt'],
  })
  .refine(
    ({ basis, receipt, notices, lasts }) =>
      receipt === true || personal.has(basis) || (notices === undefined && lasts === undefined),
    { message: 'notices and lasts are about receipts: say receipt: true, or leave them out' },
  )
  .transform(({ receipt, ...ground }) => ({ ...ground, receipt: receipt ?? personal.has(ground.basis) }))

const Purpose = z
  .strictObject({
    name: Name,
    title: z.string().min(1).max(500).optional(),
    /** An objection to marketing ends it. */
    marketing: z.boolean().default(false),
    /** An objection to profiling ends it, and one to marketing too. */
    profiling: z.boolean().default(false),
    /** By which it may be pursued at all; absent: by any. */
    channels: z.array(Channel).min(1).max(50).optional(),
    /** Tried in order: the first that holds counts. */
    grounds: z.array(Ground).min(1).max(50),
  })
  .refine(({ marketing, grounds }) => !marketing || grounds.every(({ basis }) => forMarketing.includes(basis)), {
    message: `marketing rests on ${forMarketing.join(', ')}: give another purpose another name`,
    path: ['grounds'],
  })

const Policy = z
  .strictObject({
    kind: z.literal('Purposes'),
    name: Name,
    description: z.string().max(2000).optional(),
    notices: z.array(Notice).max(2000).default([]),
    purposes: z.array(Purpose).min(1).max(500),
  })
  .superRefine(({ notices, purposes }, context) => {
    const twice = (values: readonly string[], part: string): void => {
      for (const [at, value] of values.entries())
        if (values.indexOf(value) < at)
          context.addIssue({ code: 'custom', path: [part, at], message: `${value} stands here twice` })
    }
    twice(
      notices.map(({ version, language, jurisdiction }) => [version, language, jurisdiction ?? ''].join(' ').trim()),
      'notices',
    )
    twice(
      purposes.map(({ name }) => name),
      'purposes',
    )
    for (const [at, { grounds }] of purposes.entries())
      for (const [place, ground] of grounds.entries())
        for (const version of ground.notices ?? [])
          if (!notices.some((notice) => notice.version === version))
            context.addIssue({
              code: 'custom',
              path: ['purposes', at, 'grounds', place, 'notices'],
              message: `no notice of the version ${version} stands in this file: add its text`,
            })
  })

export type PurposesPolicy = z.output<typeof Policy>
export type Purpose = z.output<typeof Purpose>
export type Ground = z.output<typeof Ground>
export type Notice = z.output<typeof Notice>

/** SHA-256 of a notice's exact text, in hex: receipts quote it. */
export function noticeDigest({ text }: Pick<Notice, 'text'>): string {
  return hash('sha256', text, 'hex')
}

export const purposesForm: PolicyForm<PurposesPolicy> = {
  kind: 'purposes',
  word: 'Purposes',
  title: 'purposes',
  parse: (text, file) => readPolicyFile(Policy, text, file),
  rules: ({ notices, purposes }) => [
    ...notices.map(
      (notice) =>
        `notice ${[notice.version, notice.language, notice.jurisdiction ?? ''].join(' ').trim()}: ${noticeDigest(notice)}`,
    ),
    ...purposes.flatMap(({ name, grounds, ...purpose }) => [
      `${name}: ${JSON.stringify(purpose)}`,
      ...grounds.map((ground, at) => `${name}: ground ${at + 1} ${JSON.stringify(ground)}`),
    ]),
  ],
}

/** What holds where no file states any purpose. */
export const withoutPolicy: readonly StatedPurpose[] = [
  {
    name: 'marketing',
    marketing: true,
    profiling: false,
    grounds: [{ basis: 'consent', receipt: true }],
    policy: 'without a policy',
  },
]

/** A purpose, and the policy that states it: name@vN. */
export interface StatedPurpose extends Purpose {
  readonly policy: string
}

/** The purposes of all policies in force. */
export function statedPurposes(
  inForce: readonly { readonly policy: PurposesPolicy; readonly version: number }[],
): readonly StatedPurpose[] {
  if (inForce.length === 0) return withoutPolicy
  return inForce.flatMap(({ policy, version }) =>
    policy.purposes.map((purpose) => ({ ...purpose, policy: `${policy.name}@v${version}` })),
  )
}
