// Outcomes, from the doors by which they come to what they demand.
import type { Actions } from '../path/actions/actions.ts'
import type { OptOuts } from '../path/consent/opt-outs.ts'
import type { ContractBook } from '../path/events/contract-book.ts'
import { Acting } from '../path/outcomes/acting.ts'
import { Certificates } from '../path/outcomes/certificates.ts'
import type { Fetch } from '../path/outcomes/certificates.ts'
import { Intake } from '../path/outcomes/intake.ts'
import { Outcomes } from '../path/outcomes/outcomes.ts'
import { Recording } from '../path/outcomes/recording.ts'
import type { SecretPlaces } from '../path/outcomes/secrets.ts'
import { Tying } from '../path/outcomes/tying.ts'
import type { Undeliverable } from '../path/outcomes/undeliverable.ts'
import { Webhooks } from '../path/outcomes/webhooks.ts'
import type { Closing } from './closing.ts'
import type { Policies } from './policies.ts'
import type { Recorded } from './record.ts'

export function wireOutcomes(
  parts: Recorded & {
    contracts: ContractBook
    actions: Actions
    optOuts: OptOuts
    undeliverable: Undeliverable
    book: Policies['webhooks']
    secrets: SecretPlaces
    fetch: Fetch
  },
  closing: Closing,
): { outcomes: Outcomes; acting: Acting; intake: Intake; webhooks: Webhooks } {
  const { ledger, follower, database, clock, contracts, actions, optOuts, undeliverable, book, secrets } = parts
  const acting = new Acting({ ledger, follower, database, clock, optOuts, undeliverable })
  const tying = new Tying({ ledger, follower, database, actions })
  const intake = new Intake(new Recording({ ledger, contracts, clock, tying, acting }))
  closing.add(() => intake.settled())
  const certificates = new Certificates(parts.fetch)
  return {
    outcomes: new Outcomes({ ledger, follower, database, actions }),
    acting,
    intake,
    webhooks: new Webhooks({ ledger, follower, database, clock, book, intake, secrets, certificates }),
  }
}
