import { flag, positionals, printJson, withClient, type Command } from '../command.ts'

export const modelCard: Command = {
  name: 'model card',
  summary: 'print what a reader should know of a model version, as Markdown',
  usage: 'model card NAME@VERSION',
  options: {},
  async run(context, args) {
    const [name] = positionals(args, 'NAME@VERSION')
    const card = await withClient(context, args, (client) => client.modelCard(name!))
    if (flag(args, 'json')) printJson(context, { model: name, markdown: card })
    else context.stdout(card)
    return 0
  },
}
