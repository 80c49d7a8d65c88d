// Predictions in number, and what becomes of one when somebody complains.
import type { Endpoint } from './endpoints.ts'
import { PredictionBatchQuery, PredictionBatchReceived, Promotion, PromotionRequest } from './prediction-batches.ts'

export const predictionEndpoints = {
  predictBatch: {
    method: 'POST',
    path: '/v1/prediction-batches',
    scope: 'ingest',
    summary: 'Record a batch of predictions of any size as one: all of it or nothing',
    query: PredictionBatchQuery,
    body: 'rows',
    answer: { json: PredictionBatchReceived },
  },
  promote: {
    method: 'POST',
    path: '/v1/predictions/{id}/promotions',
    scope: 'admin',
    summary: 'Recover what was left out of a prediction, because of a complaint, an appeal or a review',
    body: PromotionRequest,
    answer: { json: Promotion },
  },
} as const satisfies Record<string, Endpoint>
