import { LedgerFault } from '@whence/ledger'
import { readPublicKey, verifyEnvelope } from '@whence/sdk'
import type { EnvelopeVerdict, PublicKey } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { paint, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, withClient, type Args, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { textOf } from './files.ts'

interface Trusted {
  key: PublicKey
  /** Whose it is. */
  name: string
}

export const agentsVerify: Command = {
  name: 'agents verify',
  summary: 'verify the signatures of an envelope',
  usage: 'agents verify ENVELOPE',
  options: {
    public: { type: 'string', multiple: true, value: 'KEY', help: 'trust this public key, and ask no server' },
    'as-of': { type: 'string', value: 'POSITION', help: 'by the keys that were in force then (default: now)' },
    threshold: { type: 'string', value: 'N', help: 'so many different keys must have signed (default 1)' },
  },
  details: `
Without --public the keys are those of the agents and approvers in force. A key that was taken out of force verifies
what it signed before: give the position of the action with --as-of. That a signature holds shows that the holder of the
key signed this statement, not that what it says is true.`,
  async run(context, args) {
    const [file] = positionals(args, 'ENVELOPE')
    const text = await textOf(context, file!)
    const trusted = await keys(context, args)
    const verdict = await verifyEnvelope(
      text,
      trusted.map(({ key }) => key),
      given({ threshold: integer(args, 'threshold', 1) }),
    )
    if (flag(args, 'json')) printJson(context, verdict)
    else context.stdout(report(verdict, trusted, context.color))
    return verdict.ok ? 0 : 1
  },
}

async function keys(context: Context, args: Args): Promise<Trusted[]> {
  const stated = (args.values['public'] as string[] | undefined) ?? []
  if (stated.length > 0) return stated.map((text) => ({ key: publicKey(text), name: 'given' }))
  const { agents } = await withClient(context, args, (client) => client.agents(given({ asOf: integer(args, 'as-of') })))
  return agents.flatMap(({ name, keys }) => keys.map(({ key }) => ({ key: publicKey(key), name })))
}

function publicKey(text: string): PublicKey {
  try {
    return readPublicKey(text)
  } catch (cause) {
    if (!(cause instanceof LedgerFault)) throw cause
    throw new Fault('usage', `--public: ${cause.message}`, { cause })
  }
}

function report(verdict: EnvelopeVerdict, trusted: readonly Trusted[], color: boolean): string {
  const { green, red, yellow } = paint(color)
  if (!verdict.ok) return `${red('✗')} ${printable(verdict.reason)}\n`
  const { statement, signed, unverified } = printable(verdict)
  const [{ name, digest }] = statement.subject
  const rows = [
    ['action', name],
    ['output', `sha256 ${digest.sha256}`],
    ['actor', `${statement.predicate.actor.type} ${statement.predicate.actor.id}`],
    ...signed.map((keyid) => [
      'signed by',
      `${trusted.find(({ key }) => key.keyid === keyid)?.name ?? 'given'} (${keyid})`,
    ]),
    ...unverified.map(({ keyid }) => [yellow('unverified'), `a signature that names the key ${keyid || '(none)'}`]),
  ]
  return `${green('✓')} the statement is signed\n${table(rows, { indent: '  ' })}\n`
}
