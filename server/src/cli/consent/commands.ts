// The commands about consent.
import type { Command } from '../command.ts'
import { consentsCheck } from './check.ts'
import { consentsExport, consentsImport } from './import.ts'
import { optOut } from './opt-out.ts'
import { consentsShow } from './show.ts'

export const consentCommands: readonly Command[] = [consentsCheck, consentsShow, consentsImport, consentsExport, optOut]
