import type { Command } from '../command.ts'
import { monitorsAlarms, monitorsClear } from './alarms.ts'
import { monitorsList } from './list.ts'
import { monitorsTest } from './test.ts'

export const monitorCommands: readonly Command[] = [monitorsList, monitorsTest, monitorsAlarms, monitorsClear]
