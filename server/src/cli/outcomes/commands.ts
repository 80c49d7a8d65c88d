import type { Command } from '../command.ts'
import { outcomesCounts } from './counts.ts'
import { outcomesList } from './list.ts'
import { ticketsAdd } from './tickets-add.ts'
import { ticketsList } from './tickets-list.ts'
import { webhooksList } from './webhooks.ts'

export const outcomeCommands: readonly Command[] = [outcomesList, outcomesCounts, ticketsAdd, ticketsList, webhooksList]
