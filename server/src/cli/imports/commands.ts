import type { Command } from '../command.ts'
import { importFeast } from './feast.ts'
import { importMlflow } from './mlflow.ts'

export const importCommands: readonly Command[] = [importMlflow, importFeast]
