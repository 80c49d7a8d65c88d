import type { Command } from '../command.ts'
import { outcomesCounts } from './counts.ts'
import { outcomesList } from './list.ts'
import { webhooksList } from './webhooks.ts'

export const outcomeCommands: readonly Command[] = [outcomesList, outcomesCounts, webhooksList]
