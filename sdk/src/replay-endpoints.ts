// What was decided, computed again; what was served, compared with what the events give; how far the one drifts.
import type { Endpoint } from './endpoints.ts'
import { JobProgress, Replay, ReplayRequest } from './replays.ts'
import { Drift, DriftRequest, Skew, SkewRequest } from './skew.ts'

export const replayEndpoints = {
  replay: {
    method: 'POST',
    path: '/v1/replays',
    scope: 'read',
    summary:
      'Recompute a sample, or all, of the predictions asked for; how many agree exactly, and why the others do not',
    body: ReplayRequest,
    answer: { json: Replay },
  },
  skew: {
    method: 'POST',
    path: '/v1/skew',
    scope: 'read',
    summary: 'Compare what was served with what offline gives as of the same instants, and find the events behind it',
    body: SkewRequest,
    answer: { json: Skew },
  },
  drift: {
    method: 'POST',
    path: '/v1/drift',
    scope: 'read',
    summary: 'How far what is served lies from what a model version was trained on, by feature and for the score',
    body: DriftRequest,
    answer: { json: Drift },
  },
  progress: {
    method: 'GET',
    path: '/v1/progress/{job}',
    scope: 'read',
    summary: 'How far a replay or a comparison is that the caller has given this name',
    answer: { json: JobProgress },
  },
} as const satisfies Record<string, Endpoint>
