// Consent, or another basis for the purpose. The verdict is handed in; what it means for an action is said here.
import type { Gate } from '../gate.ts'
import { seen } from './finding.ts'

export const consentGate: Gate = ({ facts: { consent, proposal } }) => {
  if (consent === undefined) {
    // What is sent reaches somebody; an unknown person has given nothing.
    if (proposal.type !== 'send') return seen([], { person: false })
    return seen([{ code: 'consent.nobody', message: 'it is sent to nobody who is known: name the person as entity' }], {
      person: false,
    })
  }
  const { allowed, code, reason, basis, policy, receipt, because } = consent
  const inputs = { purpose: proposal.purpose, code, basis, policy, receipt, because }
  // Whatever is no clear yes denies.
  const yes: unknown = allowed
  return yes === true ? seen([], inputs) : seen([{ code: `consent.${code}`, message: reason }], inputs)
}
