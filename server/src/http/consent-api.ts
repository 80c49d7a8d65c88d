// The endpoints of consent, each a call of its step.
import type { Consents } from '../path/consent/consents.ts'
import type { ConsentImports } from '../path/consent/imports/imports.ts'
import { Fault } from '../fault.ts'
import type { OptOutLinks } from '../path/consent/opt-out-links.ts'
import type { OptOuts } from '../path/consent/opt-outs.ts'
import type { Handlers } from './handlers.ts'

export interface ConsentSteps {
  consents: Consents
  consentImports: ConsentImports
  optOuts: OptOuts
  optOutLinks: OptOutLinks
}

type ConsentHandlers = Pick<
  Handlers,
  | 'recordConsents'
  | 'consents'
  | 'checkConsent'
  | 'checkConsents'
  | 'importConsents'
  | 'exportConsent'
  | 'optOut'
  | 'optOutLink'
>

export function consentHandlers({ consents, consentImports, optOuts, optOutLinks }: ConsentSteps): ConsentHandlers {
  return {
    recordConsents: ({ body, caller }) => consents.record(body, caller),
    consents: ({ query }) => consents.list(query),
    checkConsent: ({ query }) => consents.check(query),
    checkConsents: ({ body }) => consents.checkMany(body.checks),
    importConsents: ({ body, caller }) => consentImports.import(body, caller),
    exportConsent: async ({ path, query }) => {
      if (!/^\d{1,15}$/.test(path.seq!)) throw new Fault('invalid', `"${path.seq}" is no position`)
      return consentImports.export(Number(path.seq), query)
    },
    optOut: ({ body, caller }) => optOuts.record(body.optOuts, caller),
    optOutLink: async ({ body, base }) => optOutLinks.issue(body, base),
  }
}
