// Consent: what people said, and whether somebody may be asked.
import { ConsentExport, ConsentExportQuery, ConsentImport } from './consent-imports.ts'
import {
  ConsentBatch,
  ConsentCheck,
  ConsentCheckQuery,
  ConsentChecks,
  ConsentChecksRequest,
  ConsentResults,
  Consents,
  ConsentsQuery,
} from './consents.ts'
import { OptOutBatch, OptOutLink, OptOutLinkRequest, OptOutResults } from './opt-outs.ts'
import type { Endpoint } from './endpoints.ts'

export const consentEndpoints = {
  recordConsents: {
    method: 'POST',
    path: '/v1/consents',
    scope: 'ingest',
    summary: 'Record consent receipts; the same id, version and content again is a duplicate',
    body: ConsentBatch,
    answer: { json: ConsentResults },
  },
  consents: {
    method: 'GET',
    path: '/v1/consents',
    scope: 'read',
    summary: 'The receipts of one person, newest first',
    query: ConsentsQuery,
    answer: { json: Consents },
  },
  checkConsent: {
    method: 'GET',
    path: '/v1/consents/check',
    scope: 'read',
    summary: 'Whether somebody may be asked for a purpose, by which receipt or for which reason; unknown denies',
    query: ConsentCheckQuery,
    answer: { json: ConsentCheck },
  },
  checkConsents: {
    method: 'POST',
    path: '/v1/consents/check',
    scope: 'read',
    summary: 'The same for many, and for identifiers that should not stand in an address',
    body: ConsentChecksRequest,
    answer: { json: ConsentChecks },
  },
  importConsents: {
    method: 'POST',
    path: '/v1/consents/imports',
    scope: 'ingest',
    summary: 'Record Kantara receipts, TC strings or GPP strings, kept as they came',
    body: ConsentImport,
    answer: { json: ConsentResults },
  },
  exportConsent: {
    method: 'GET',
    path: '/v1/consents/{seq}/export',
    scope: 'read',
    summary: 'A receipt as it was imported, or by the field names of ISO/IEC TS 27560',
    query: ConsentExportQuery,
    answer: { json: ConsentExport },
  },
  optOut: {
    method: 'POST',
    path: '/v1/opt-outs',
    scope: 'ingest',
    summary: 'Record that people want no marketing any more, and say what that stopped',
    body: OptOutBatch,
    answer: { json: OptOutResults },
  },
  optOutLink: {
    method: 'POST',
    path: '/v1/opt-outs/links',
    scope: 'ingest',
    summary: 'An address that opts one person out with one click (RFC 8058), without a key',
    body: OptOutLinkRequest,
    answer: { json: OptOutLink },
  },
} as const satisfies Record<string, Endpoint>
