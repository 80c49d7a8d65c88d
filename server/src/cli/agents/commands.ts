import type { Command } from '../command.ts'
import { agentsCompare } from './compare.ts'
import { agentsKeygen } from './keygen.ts'
import { agentsList } from './list.ts'
import { agentsShow } from './show.ts'
import { agentsSign } from './sign.ts'
import { agentsVerify } from './verify.ts'

export const agentCommands: readonly Command[] = [
  agentsList,
  agentsShow,
  agentsKeygen,
  agentsSign,
  agentsVerify,
  agentsCompare,
]
