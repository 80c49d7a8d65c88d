import { resolve } from 'node:path'
import type { GateTrial } from '@whence/sdk'
import { gateTrialText } from '../../govern/reports/gate-trial-text.ts'
import { number } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, time, withClient, type Command } from '../command.ts'
import { campaign, decided } from '../options.ts'
import { declarationsIn } from '../declarations.ts'
import { merged } from './merged.ts'

/** Actions that are judged in one request. */
const AT_ONCE = 200

export const gatesTest: Command = {
  name: 'gates test',
  summary: 'judge past actions under the gates and purposes in a folder, and say what would differ',
  usage: 'gates test DIR',
  options: {
    ...decided,
    agent: { type: 'string', value: 'NAME', help: 'only of this agent, user or service' },
    campaign,
    limit: { type: 'string', value: 'N', help: 'at most N, the newest first (default 1,000)' },
    remove: {
      type: 'boolean',
      help: 'gates, term lists and agents that are not in DIR count as out of force; purposes too, where DIR has any',
    },
    scorers: { type: 'boolean', help: 'ask external scorers again, which are sent the copy of then' },
  },
  details: `
Takes the chains of gates, term lists and agents in DIR in the place of those in force, and judges again what was proposed,
each action by what was known when it was judged: what the person had said by then, releases counted until then. Purposes in DIR
take the place of those that were in force then under their names; without any, consent is asked under the purposes of then.
Nothing is recorded, and nothing is released. What was decided then is held against what would be decided; reviews that
came later are not looked at. A scorer is taken at what it said then, and where it said nothing it stops nothing, which is told.

Exit code 1 when a decision or a gate's verdict would differ.`,
  async run(context, args) {
    const [folder] = positionals(args, 'DIR')
    const { files } = await declarationsIn(resolve(context.cwd, folder!))
    const most = integer(args, 'limit', 1) ?? 1000
    const request = {
      files,
      remove: flag(args, 'remove'),
      scorers: flag(args, 'scorers'),
      ...given({
        since: time(args, 'since'),
        until: time(args, 'until'),
        agent: text(args, 'agent'),
        campaign: text(args, 'campaign'),
      }),
    }
    const trial = await withClient(context, args, async (client) => {
      const page = (actions: number, before?: number): Promise<GateTrial> =>
        client.tryGates({ ...request, limit: Math.min(AT_ONCE, most - actions), ...given({ before }) })
      let so = await page(0)
      while (so.next !== undefined && so.actions < most) {
        if (context.isTTY.stderr) context.stderr(`\r\x1b[2K  … ${number(so.actions)} judged again`)
        so = merged(so, await page(so.actions, so.next))
      }
      if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
      return so
    })
    if (flag(args, 'json')) printJson(context, trial)
    else context.stdout(gateTrialText(trial, { color: context.color, width: context.columns }))
    return trial.changed > 0 ? 1 : 0
  },
}
