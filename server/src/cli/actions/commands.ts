import type { Command } from '../command.ts'
import { actionsExport } from './export.ts'
import { actionsList } from './list.ts'
import { outbox, outboxAcknowledge, outboxClaim } from './outbox.ts'
import { actionsPropose } from './propose.ts'
import { reviews, reviewsApprove, reviewsAssign, reviewsEdit, reviewsReject } from './reviews.ts'

export const actionCommands: readonly Command[] = [actionsPropose, actionsList, actionsExport]
export const reviewCommands: readonly Command[] = [reviews, reviewsAssign, reviewsApprove, reviewsEdit, reviewsReject]
export const outboxCommands: readonly Command[] = [outbox, outboxClaim, outboxAcknowledge]
