import type { Command } from '../command.ts'
import { modelAlias } from './model-alias.ts'
import { modelAudit } from './model-audit.ts'
import { modelCard } from './model-card.ts'
import { modelShow } from './model-show.ts'
import { models } from './models.ts'

export const modelCommands: readonly Command[] = [models, modelShow, modelAlias, modelCard, modelAudit]
