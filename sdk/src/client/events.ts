// Events, what was kept aside of them, and the emitters that send them.
import type { EmissionReceipts, EmissionReport, Emitters, EmittersQuery } from '../emissions.ts'
import type { Ingested, IngestQuery, QuarantineQuery, Quarantined, Release, ReleaseRequest, Stream } from '../events.ts'
import type { Subjects, SubjectsRequest } from '../features.ts'
import { endpoints } from '../endpoints.ts'
import { compress, json, ndjson } from './bodies.ts'
import { Calls } from './calls.ts'
import type { Events } from './bodies.ts'

export type IngestOptions = IngestQuery & {
  /** Compress the body: worth it over a network, not on one machine. */
  gzip?: boolean
}

export class EventCalls extends Calls {
  /**
   * Records events of one stream; durable when this returns. Sending the same again changes nothing: repeats come back as
   * duplicates. An event that breaks its contract is no error here: see `accounting` and `results`.
   */
  async ingest(stream: string, events: Events, options: IngestOptions = {}): Promise<Ingested> {
    const { gzip, ...query } = options
    const lines = typeof events === 'string' || events instanceof Uint8Array ? events : ndjson(events)
    const body = { type: 'application/x-ndjson', bytes: lines }
    return this.transport.json(endpoints.ingest, {
      path: { stream },
      query,
      body: gzip ? { ...body, bytes: await compress(lines), encoding: 'gzip' } : body,
    })
  }

  streams(): Promise<Stream[]> {
    return this.transport.json(endpoints.streams)
  }

  stream(stream: string): Promise<Stream> {
    return this.transport.json(endpoints.stream, { path: { stream } })
  }

  quarantined(query: QuarantineQuery = {}): Promise<Quarantined[]> {
    return this.transport.json(endpoints.quarantined, { query })
  }

  release(request: ReleaseRequest): Promise<Release> {
    return this.transport.json(endpoints.release, { body: json(request) })
  }

  /** The subject id of each identifier, in their order. */
  subjects(request: SubjectsRequest): Promise<Subjects> {
    return this.transport.json(endpoints.subjects, { body: json(request) })
  }

  /** Records what an emitter says of itself: how much it was given, and what became of it. */
  reportEmissions(emitter: string, report: EmissionReport): Promise<EmissionReceipts> {
    return this.transport.json(endpoints.reportEmissions, { path: { emitter }, body: json(report) })
  }

  /** All emitters: their own last word, and which of their numbers stand on the ledger. */
  emitters(query: EmittersQuery = {}): Promise<Emitters> {
    return this.transport.json(endpoints.emitters, { query })
  }
}
