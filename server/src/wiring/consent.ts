// Consent: what people agreed to, objected to and opted out of, and whether that lets them be used or written to.
import { optOutEffects } from '../path/actions/opt-out-effects.ts'
import { Consents } from '../path/consent/consents.ts'
import { ConsentStrings } from '../path/consent/imports/consent-strings.ts'
import { ConsentImports } from '../path/consent/imports/imports.ts'
import { Objections } from '../path/consent/objections.ts'
import { OptOutLinks } from '../path/consent/opt-out-links.ts'
import { OptOuts } from '../path/consent/opt-outs.ts'
import { ConsentStanding } from '../path/consent/standing.ts'
import type { Closing } from './closing.ts'
import type { Policies } from './policies.ts'
import type { Recorded } from './record.ts'

export function wireConsent(
  recorded: Recorded,
  purposes: Policies['purposes'],
  closing: Closing,
): {
  objections: Objections
  standing: ConsentStanding
  consents: Consents
  consentImports: ConsentImports
  optOuts: OptOuts
  optOutLinks: OptOutLinks
} {
  const { ledger, follower, database } = recorded
  const objections = new Objections(recorded)
  const standing = new ConsentStanding({ ledger, database, policies: purposes })
  const consents = new Consents({ ...recorded, policies: purposes, standing })
  const strings = new ConsentStrings()
  closing.add(() => strings.close())
  const optOuts = new OptOuts({ objections })
  optOuts.onOptOut((those) => optOutEffects({ follower, database }, those))
  return {
    objections,
    standing,
    consents,
    consentImports: new ConsentImports({ ledger, consents, strings }),
    optOuts,
    optOutLinks: new OptOutLinks({ ledger, standing, optOuts }),
  }
}
