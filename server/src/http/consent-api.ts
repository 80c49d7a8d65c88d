// The endpoints of consent, each a call of its step.
import type { Consents } from '../path/consent/consents.ts'
import type { Handlers } from './handlers.ts'

export interface ConsentSteps {
  consents: Consents
}

export function consentHandlers({
  consents,
}: ConsentSteps): Pick<Handlers, 'recordConsents' | 'consents' | 'checkConsent' | 'checkConsents'> {
  return {
    recordConsents: ({ body, caller }) => consents.record(body, caller),
    consents: ({ query }) => consents.list(query),
    checkConsent: ({ query }) => consents.check(query),
    checkConsents: ({ body }) => consents.checkMany(body.checks),
  }
}
