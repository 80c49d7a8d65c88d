// A receipt by the field names of ISO/IEC TS 27560, as the DPV guide lists them.
import type { IncomingReceipt } from '../consents.ts'

export function iso27560(receipt: IncomingReceipt, time: string, subject: string): Record<string, unknown> {
  const { notice } = receipt
  const record = {
    header: defined({
      schema_version: receipt.schema,
      record_id: receipt.id,
      version: receipt.version,
      pii_principal_id: subject,
    }),
    processing: defined({
      privacy_notice:
        notice && defined({ version: notice.version, sha256: notice.sha256, text: notice.text, url: notice.url }),
      language: notice?.language ?? receipt.language,
      purposes: receipt.purposes.map(({ purpose, basis = 'consent', channels, expires }) =>
        defined({ purpose, lawful_basis: basis, channels, expires }),
      ),
      pii_information: receipt.information,
      pii_controllers: receipt.controllers,
      collection_method: receipt.method,
      storage_locations: receipt.storage,
      retention_period: receipt.retention,
      jurisdiction: receipt.jurisdiction,
      recipient_third_parties: receipt.thirdParties,
      withdrawal_method: receipt.withdrawal,
      privacy_rights: receipt.rights,
    }),
    events: receipt.purposes.map(({ purpose, state = receipt.state, expires = receipt.expires }) =>
      defined({
        event_time: time,
        valid_until: expires,
        entity_id: receipt.entity,
        event_type: receipt.event,
        event_state: state,
        purpose,
      }),
    ),
  }
  return record
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
