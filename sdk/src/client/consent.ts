// Consent, objections and opt-outs.
import type { ConsentExport, ConsentExportQuery, ConsentImport } from '../consent-imports.ts'
import type {
  ConsentBatch,
  ConsentCheck,
  ConsentCheckQuery,
  ConsentChecks,
  ConsentChecksRequest,
  ConsentResults,
  Consents,
  ConsentsQuery,
} from '../consents.ts'
import type { OptOutBatch, OptOutLink, OptOutLinkRequest, OptOutResults } from '../opt-outs.ts'
import type { Objection, ObjectionQuery, ObjectionRequest, ObjectionState } from '../training-sets.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class ConsentCalls extends Calls {
  /** Records that a person objects, or takes an objection back. */
  object(request: ObjectionRequest): Promise<Objection> {
    return this.transport.json(endpoints.object, { body: json(request) })
  }

  objections(query: ObjectionQuery): Promise<ObjectionState> {
    return this.transport.json(endpoints.objections, { query })
  }

  /** Records consent receipts. Durable when it resolves; one that is refused does not keep back the others. */
  recordConsents(batch: ConsentBatch): Promise<ConsentResults> {
    return this.transport.json(endpoints.recordConsents, { body: json(batch) })
  }

  consents(query: ConsentsQuery): Promise<Consents> {
    return this.transport.json(endpoints.consents, { query })
  }

  /** Whether somebody may be asked. A refusal is an answer, not an error. */
  checkConsent(query: ConsentCheckQuery): Promise<ConsentCheck> {
    return this.transport.json(endpoints.checkConsent, { query })
  }

  checkConsents(request: ConsentChecksRequest): Promise<ConsentChecks> {
    return this.transport.json(endpoints.checkConsents, { body: json(request) })
  }

  importConsents(request: ConsentImport): Promise<ConsentResults> {
    return this.transport.json(endpoints.importConsents, { body: json(request) })
  }

  exportConsent(seq: number, query: ConsentExportQuery = {}): Promise<ConsentExport> {
    return this.transport.json(endpoints.exportConsent, { path: { seq: String(seq) }, query })
  }

  /** Records opt-outs. From the answer on nothing that they cover can be claimed. */
  optOut(batch: OptOutBatch): Promise<OptOutResults> {
    return this.transport.json(endpoints.optOut, { body: json(batch) })
  }

  optOutLink(request: OptOutLinkRequest): Promise<OptOutLink> {
    return this.transport.json(endpoints.optOutLink, { body: json(request) })
  }
}
