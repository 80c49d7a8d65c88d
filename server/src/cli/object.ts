import { Fault } from '../fault.ts'
import { number, paint, printable } from '../govern/reports/text.ts'
import { flag, given, positionals, printJson, text, time, withClient, type Command } from './command.ts'
import { subjectType } from './options.ts'

export const object: Command = {
  name: 'object',
  summary: 'record that a person objects to profiling or marketing, or takes that back',
  usage: 'object IDENTIFIER --purpose profiling|marketing',
  options: {
    purpose: { type: 'string', value: 'profiling|marketing', help: 'to marketing: to profiling as well' },
    withdraw: { type: 'boolean', help: 'the person takes the objection back' },
    at: { type: 'string', value: 'T', help: 'when it was said (default: now)' },
    type: subjectType,
    note: { type: 'string', value: 'TEXT', help: 'where it was said; sealed with the person’s key' },
    id: { type: 'string', value: 'ID', help: 'so that the same objection, sent again, is one' },
    check: { type: 'boolean', help: 'record nothing; say what holds' },
  },
  details: `
From now on the person is in no new training set; sets that exist stay as they are, and "whence training-set verify" says
how many of their people have objected since. Somebody of whom nothing is known yet may object too.`,
  async run(context, args) {
    const [identifier] = positionals(args, 'IDENTIFIER')
    const { green } = paint(context.color)
    const who = { identifier: identifier!, ...given({ subjectType: text(args, 'type') }) }
    const purpose = text(args, 'purpose')
    if (purpose !== undefined && purpose !== 'profiling' && purpose !== 'marketing')
      throw new Fault('usage', `--purpose is profiling or marketing, not "${purpose}".`)
    const when = time(args, 'at')
    if (flag(args, 'check')) {
      const state = await withClient(context, args, (client) =>
        client.objections({ ...who, ...given({ purpose, at: when }) }),
      )
      if (flag(args, 'json')) printJson(context, state)
      else {
        const { profiling, marketing } = state.objects
        const said = [profiling ? 'profiling' : '', marketing ? 'marketing' : ''].filter((each) => each !== '')
        const records = state.because.map(({ seq }) => number(seq)).join(', ')
        context.stdout(
          said.length > 0
            ? `objects to ${said.join(' and ')}   record ${records}\n`
            : `objects to nothing${state.known ? '' : '; nothing is recorded about such a person'}\n`,
        )
      }
      return 0
    }
    if (purpose === undefined) throw new Fault('usage', '--purpose is missing: profiling or marketing')
    const recorded = await withClient(context, args, (client) =>
      client.object({
        ...who,
        purpose,
        ...(flag(args, 'withdraw') ? { withdrawn: true as const } : {}),
        ...given({ time: when, note: text(args, 'note'), id: text(args, 'id') }),
      }),
    )
    if (flag(args, 'json')) printJson(context, recorded)
    else {
      const { subject, seq, time: said } = printable(recorded)
      const what = recorded.withdrawn ? 'takes back the objection' : 'objects'
      context.stdout(
        `${green('✓')} ${what} to ${purpose}   record ${number(seq)}   said ${said}   subject ${subject}\n`,
      )
    }
    return 0
  },
}
