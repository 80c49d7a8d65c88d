// Kantara Consent Receipt 1.1, read into a receipt of ours. What it says beyond that stays with it: the original is kept.
import type { ConsentReceipt, ReceiptPurpose } from '@whence/sdk'
import { Channel, Jurisdiction } from '@whence/sdk'
import { z } from 'zod'
import { Fault } from '../../../fault.ts'
import { formatTime, SECOND } from '../../../record/time.ts'

const Text = z.string().max(4000)

const Kantara = z.looseObject({
  version: z.string().regex(/^KI-CR-v1\.1(\.\d+)?$/, 'KI-CR-v1.1.0'),
  jurisdiction: Text,
  consentTimestamp: z.number().int().nonnegative().max(8_000_000_000).describe('seconds since 1970'),
  collectionMethod: Text,
  consentReceiptID: z.string().min(1).max(200),
  language: z.string().max(35).optional(),
  piiPrincipalId: z.string().min(1).max(512),
  piiControllers: z
    .array(
      z.looseObject({
        piiController: z.string().min(1).max(500),
        contact: Text,
        address: z.record(z.string(), z.unknown()),
        email: Text,
        phone: Text,
        piiControllerUrl: Text.optional(),
        onBehalf: z.boolean().optional(),
      }),
    )
    .max(50),
  policyUrl: Text,
  services: z
    .array(
      z.looseObject({
        service: z.string().max(500),
        purposes: z
          .array(
            z.looseObject({
              purpose: z.string().min(1).max(1000).optional(),
              consentType: Text,
              purposeCategory: z.array(z.string().max(500)).max(100),
              piiCategory: z.array(z.string().max(500)).max(100),
              termination: Text,
              thirdPartyDisclosure: z.boolean(),
              thirdPartyName: z.string().max(500).optional(),
            }),
          )
          .max(100),
      }),
    )
    .min(1)
    .max(100),
  sensitive: z.boolean(),
  spiCat: z.array(z.string().max(500)).max(100),
})

export interface KantaraOptions {
  /** Our names of their purposes, by their text. */
  readonly purposes?: Readonly<Record<string, string>> | undefined
  readonly channels?: readonly string[] | undefined
}

/** Reads one. Throws `invalid`, with what is wrong with it. */
export function readKantara(value: unknown, { purposes = {}, channels }: KantaraOptions): ConsentReceipt {
  const read = Kantara.safeParse(value)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new Fault(
      'invalid',
      `this is no Kantara receipt 1.1: ${issue!.path.map(String).join('.')}: ${issue!.message}`,
    )
  }
  const kantara = read.data
  const given = kantara.services.flatMap((service) => service.purposes)
  if (given.length === 0 || given.length > 100)
    throw new Fault('invalid', `a receipt has 1 to 100 purposes, this one ${given.length}`)
  const where = Jurisdiction.safeParse(kantara.jurisdiction)
  const named = [
    ...new Set(
      given.flatMap(({ thirdPartyName, thirdPartyDisclosure }) =>
        thirdPartyDisclosure && thirdPartyName ? [thirdPartyName] : [],
      ),
    ),
  ]
  const information = [...new Set(given.flatMap(({ piiCategory }) => piiCategory))].filter((each) => each !== '')
  const { language, collectionMethod } = kantara
  return {
    id: kantara.consentReceiptID,
    version: 1,
    schema: kantara.version,
    identifier: kantara.piiPrincipalId,
    state: 'given',
    time: formatTime(kantara.consentTimestamp * SECOND),
    purposes: given.map(({ purpose = '', purposeCategory, consentType }): ReceiptPurpose => {
      const said = purpose === '' ? (purposeCategory[0] ?? 'unnamed') : purpose
      return {
        purpose: Object.hasOwn(purposes, said) ? purposes[said]! : slug(said),
        // Only what is called explicit was said by the person; N/A is on another basis, which the receipt does not name.
        ...(consentType.toUpperCase() === 'EXPLICIT' ? {} : { state: 'unknown' as const }),
        ...(channels ? { channels: channels.map((each) => Channel.parse(each)) } : {}),
      }
    }),
    ...(language ? { language } : {}),
    ...(collectionMethod === '' ? {} : { method: collectionMethod }),
    ...(where.success ? { jurisdiction: where.data } : {}),
    controllers: kantara.piiControllers.map(({ piiController, contact, email, phone, piiControllerUrl, onBehalf }) => ({
      name: piiController,
      ...present({ contact, email, phone, url: piiControllerUrl }),
      ...(onBehalf === undefined ? {} : { onBehalf }),
    })),
    ...(information.length > 0 ? { information: information.slice(0, 200) } : {}),
    ...(named.length > 0 ? { thirdParties: named } : {}),
  }
}

/** The texts that say something, as long as a receipt of ours holds; whole, they stay in the original. */
function present(texts: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).flatMap(([name, text]) => (text ? [[name, text.slice(0, 500)]] : [])))
}

/** A name out of a text: `To market services` is `to_market_services`. */
export function slug(text: string): string {
  const word = text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 100)
  return /^[a-z]/.test(word) ? word : `purpose_${word}`
}
