import { flag, positionals, printJson, withClient, type Command } from '../command.ts'
import { setLines } from './lines.ts'

export const trainingShow: Command = {
  name: 'training-set show',
  summary: 'what a training set is, and who approved it',
  usage: 'training-set show ID',
  options: {},
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const set = await withClient(context, args, (client) => client.trainingSet(id!))
    if (flag(args, 'json')) printJson(context, set)
    else context.stdout(setLines(context, set))
    return 0
  },
}
