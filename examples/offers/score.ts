// Scores every member who has been in touch, 27 hours after the start, for the six hours to come.
//
//   WHENCE_KEY=wk_… node score.ts profiles.ndjson completes_offer@1
import { createClient, type Client, type ModelVersion, type Prediction, type Snapshot } from '@whence/sdk'
import { score } from '../logistic.ts'
import { identifiersBySubject, predictionId, record } from '../recording.ts'
import { hour, readProfiles, start } from './files.ts'

export const at = new Date(start + 27 * hour).toISOString()

/** Resolves to the number of predictions recorded. `members` are in the order of their file, which numbers them. */
export async function scoreMembers(
  whence: Client,
  { model, snapshot, members }: { model: ModelVersion; snapshot: Snapshot; members: readonly string[] },
): Promise<number> {
  const memberOf = await identifiersBySubject(whence, members)
  const numberOf = new Map(members.map((member, i) => [member, i + 1]))
  const predictions: Prediction[] = []
  for await (const { subject, values } of whence.snapshotRows(snapshot.id)) {
    const member = memberOf.get(subject)
    if (member === undefined) continue
    predictions.push({
      id: predictionId(String(numberOf.get(member)).padStart(6, '0'), model),
      subject,
      ...score(model.model!, values),
      inputs: Object.fromEntries(model.model!.features.map(({ name }) => [name, values[name]!])),
      time: at,
    })
  }
  return record(whence, model, snapshot, predictions)
}

export function membersIn(file: string): string[] {
  return readProfiles(file).map((profile) => profile.id)
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '' } = process.env
  const [file = 'profiles.ndjson', version = 'completes_offer@1'] = process.argv.slice(2)
  const whence = createClient({ url, key })
  const model = await whence.model(version)
  const snapshot = await whence.materialize({ view: model.view!, at })
  console.log(await scoreMembers(whence, { model, snapshot, members: membersIn(file) }), 'predictions recorded')
}
