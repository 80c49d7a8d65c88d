import type { ConnectorInfo } from '@whence/sdk'
import { paint, printable, table } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'

export const connectorsList: Command = {
  name: 'connectors list',
  summary: 'the connected systems: where they are, and what they own',
  usage: 'connectors list',
  options: {},
  async run(context, args) {
    positionals(args)
    const answer = await withClient(context, args, (client) => client.connectors())
    if (flag(args, 'json')) printJson(context, answer)
    else if (answer.connectors.length > 0) context.stdout(report(printable(answer.connectors), context.color))
    else context.stdout('No connector is in force: declare one with kind: Connector, and whence apply.\n')
    return answer.connectors.some(({ missing }) => missing.length > 0) ? 1 : 0
  },
}

function report(connectors: readonly ConnectorInfo[], color: boolean): string {
  const { dim, red } = paint(color)
  const rows = connectors.map(({ name, version, type, url, owns, missing }) => [
    `${name}@v${version}`,
    type,
    url,
    Object.entries(owns)
      .map(([kind, patterns]) => `${kind} ${patterns.join(', ')}`)
      .join('; '),
    missing.length === 0 ? '' : red(`lacks ${missing.join(', ')}`),
  ])
  return `${table([['name', 'type', 'address', 'owns', ''].map(dim), ...rows], { indent: '  ' })}\n`
}
