// `whence demo rollback`: decisions that were wrong, from the first complaint to the report.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pad, paint, printable } from '../govern/reports/text.ts'
import { rollbackMarkdown } from '../govern/reports/rollback-report.ts'
import { flag, printJson, type Args } from './command.ts'
import type { Context } from './context.ts'

/** Exit code 1 unless every step came out as the simulation knows it must. */
export async function demoRollback(context: Context, args: Args, folder: string, keep: boolean): Promise<number> {
  const { tellStory } = await import('../../../examples/index.ts')
  const silent = flag(args, 'json')
  const { green, red } = paint(context.color)
  const { client, close } = await context.connect(folder)
  let failed = false
  try {
    if (!silent) context.stdout('\n  A discount reaches people who may not have it\n')
    const told = await tellStory(client, (step, line, ok) => {
      failed ||= !ok
      if (!silent) context.stdout(`  ${ok ? green('✓') : red('✗')} ${pad(step, 8)}   ${printable(line)}\n`)
    })
    const { ok, problems, size } = await client.verify()
    failed ||= !ok
    if (silent) printJson(context, { ok: !failed, ...told, verify: { ok, size, problems: problems.length } })
    else {
      context.stdout(`  ${ok ? green('✓') : red('✗')} ${pad('verify', 8)}   ${size} records under one checkpoint\n`)
      context.stdout(`\n${rollbackMarkdown(told.report)}\n`)
      if (keep) {
        const page = join(folder, 'rollback-report.html')
        await writeFile(page, await client.rollbackReportText(told.rollback.id, 'html'))
        context.stdout(
          `  kept: ${page}\n        whence rollback show ${told.rollback.id.slice(0, 12)} --data ${folder}\n`,
        )
      }
    }
    return failed ? 1 : 0
  } finally {
    await close()
  }
}
