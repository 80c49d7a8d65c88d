// What questions about lineage have in common: where they start, which kinds, and as of when.
import { z } from 'zod'
import { Time } from './time.ts'

/** Namespace, name and field of 4,000 characters each, percent-encoded, and a version. */
export const LONGEST_ID = 50_000

export const kinds = z
  .string()
  .regex(
    /^(dataset|job|stream|view|training|model)(,(dataset|job|stream|view|training|model))*$/,
    'takes dataset, job, stream, view, training, model, separated by commas',
  )
  .optional()
  .describe('only nodes of these kinds, separated by commas; the walk goes through the others')

/** At most one of the four may be given; without any the question is about what is known now. */
export const moment = {
  asOf: z.coerce.number<number>().int().nonnegative().optional().describe('ledger position'),
  at: Time.optional().describe('as of the last record before this time'),
  asOfRun: z.string().max(4096).optional().describe('as of the last event of this run'),
  asOfVersion: z.string().max(LONGEST_ID).optional().describe('as of a version of a dataset: ID@VERSION'),
}

export const start = z
  .string()
  .min(1)
  .max(LONGEST_ID)
  .describe('an id (`dataset:NAMESPACE:NAME#FIELD`, `model:NAME@N`, `run:ID` …), or a name that only one node has')
