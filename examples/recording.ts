// What every scoring script does on its way to Whence.
import type { Client, ModelVersion, Prediction, Snapshot } from '@whence/sdk'

/**
 * Whence knows people by random ids. Which of them belong to the identifiers that we hold is asked here, 10,000 at a
 * time; whom Whence does not know, or has erased, is left out. Gives identifiers by subject id.
 */
export async function identifiersBySubject(
  whence: Client,
  identifiers: readonly string[],
): Promise<Map<string, string>> {
  const known = new Map<string, string>()
  for (const some of chunks(identifiers, 10_000)) {
    const { subjects } = await whence.subjects({ identifiers: some, subjectType: 'customer' })
    for (const [i, subject] of subjects.entries()) if (subject !== null) known.set(subject, some[i]!)
  }
  return known
}

/**
 * The id of a prediction: `pred-000042`, and from the second version of the model on `pred-000042-v2`. An id stands for
 * one prediction for ever; whoever scores daily puts the day into it.
 */
export function predictionId(number: string, model: { version: number }): string {
  return model.version === 1 ? `pred-${number}` : `pred-${number}-v${model.version}`
}

/**
 * Records predictions, a thousand a call, and gives how many are on the ledger now. Running it again with the same
 * snapshot adds nothing.
 */
export async function record(
  whence: Client,
  model: ModelVersion,
  snapshot: Snapshot,
  predictions: readonly Prediction[],
): Promise<number> {
  let recorded = 0
  for (const some of chunks(predictions, 1000)) {
    const answer = await whence.predict({
      model: `${model.name}@${model.version}`,
      snapshot: snapshot.id,
      predictions: some,
    })
    const failed = answer.results.find((result) => result.status === 'refused' || result.status === 'conflict')
    if (failed) throw new Error(`Prediction ${failed.id} was not recorded: ${reason(failed)}`)
    recorded += answer.recorded + answer.duplicate
  }
  return recorded
}

function reason(failed: { status: string; problem?: { message: string } }): string {
  return failed.problem?.message ?? 'another prediction has that id. One from another snapshot needs an id of its own.'
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
