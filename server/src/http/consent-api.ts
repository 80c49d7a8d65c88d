// The endpoints of consent, each a call of its step.
import type { Consents } from '../path/consent/consents.ts'
import type { OptOutLinks } from '../path/consent/opt-out-links.ts'
import type { OptOuts } from '../path/consent/opt-outs.ts'
import type { Handlers } from './handlers.ts'

export interface ConsentSteps {
  consents: Consents
  optOuts: OptOuts
  optOutLinks: OptOutLinks
}

type ConsentHandlers = Pick<
  Handlers,
  'recordConsents' | 'consents' | 'checkConsent' | 'checkConsents' | 'optOut' | 'optOutLink'
>

export function consentHandlers({ consents, optOuts, optOutLinks }: ConsentSteps): ConsentHandlers {
  return {
    recordConsents: ({ body, caller }) => consents.record(body, caller),
    consents: ({ query }) => consents.list(query),
    checkConsent: ({ query }) => consents.check(query),
    checkConsents: ({ body }) => consents.checkMany(body.checks),
    optOut: ({ body, caller }) => optOuts.record(body.optOuts, caller),
    optOutLink: async ({ body, base }) => optOutLinks.issue(body, base),
  }
}
