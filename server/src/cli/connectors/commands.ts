import type { Command } from '../command.ts'
import { connectorsAsk } from './ask.ts'
import { connectorsList } from './list.ts'

export const connectorCommands: readonly Command[] = [connectorsList, connectorsAsk]
