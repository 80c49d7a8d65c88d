// What stories of messages have in common: what addresses may be used for, and a message as the shop's mailer proposes it.
import type { Client } from '@whence/sdk'

export const purposes = {
  path: 'purposes.yaml',
  text: `
kind: Purposes
name: shop
purposes:
  - name: newsletter
    marketing: true
    grounds:
      - { basis: legitimate_interest, assessment: Existing customers expect it. }
  - name: service
    grounds:
      - { basis: contract }
`,
}

export type Given = Partial<Parameters<Client['propose']>[0]>

export const message = (id: string, entity: string, more: Given = {}) => ({
  id,
  type: 'send' as const,
  actor: { type: 'service' as const, id: 'mailer' },
  entity,
  channel: 'email',
  purpose: 'newsletter',
  campaign: 'spring',
  address: `${entity}@example.com`,
  output: { copy: [{ part: 'subject', text: 'Spring is here' }] },
  ...more,
})
