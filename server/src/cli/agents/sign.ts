import { LedgerFault, fromBase64, parseCanonical } from '@whence/ledger'
import { ActionProposal, ActionStatement, Envelope, envelopeOf, signStatement, statementOf } from '@whence/sdk'
import type { AgentKey } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { plural } from '../../govern/reports/text.ts'
import { flag, positionals, required, type Command } from '../command.ts'
import { keyOf, textOf } from './files.ts'

export const agentsSign: Command = {
  name: 'agents sign',
  summary: 'sign proposals of actions, or countersign an envelope',
  usage: 'agents sign FILE --key-file FILE',
  options: {
    'key-file': { type: 'string', value: 'FILE', help: 'the private key: see whence agents keygen' },
    envelope: { type: 'boolean', help: 'give DSSE envelopes instead of proposals' },
  },
  details: `
FILE (- for standard input) holds one proposal in JSON, {"actions": […]}, one proposal a line, or a DSSE envelope. What
is printed is the same with one signature more. An envelope is signed over the bytes that it holds, and only when they
are a statement about an action: this is how an approver countersigns. Nothing is sent. Needs no server.`,
  async run(context, args) {
    const [file] = positionals(args, 'FILE')
    const key = await keyOf(context, required(args, 'key-file', 'the private key to sign with.'))
    const found = documents(await textOf(context, file!), file!)
    const lines: string[] = []
    for (const { value, where } of found) {
      lines.push(`${JSON.stringify(await signed(value, where, key, flag(args, 'envelope')))}\n`)
    }
    context.stdout(lines.join(''))
    context.stderr(`${plural(found.length, 'document')} signed by ${key.keyid}\n`)
    return 0
  },
}

interface Found {
  value: unknown
  where: string
}

/** One JSON document, or one a line. */
function documents(text: string, file: string): Found[] {
  try {
    return [{ value: JSON.parse(text), where: file }]
  } catch {
    // Then there is one a line.
  }
  const lines = text.split('\n').flatMap((line, at): Found[] => {
    if (line.trim() === '') return []
    const where = `${file} line ${at + 1}`
    try {
      return [{ value: JSON.parse(line), where }]
    } catch (cause) {
      throw new Fault('invalid', `${where} is no JSON: ${(cause as Error).message}`, { cause })
    }
  })
  if (lines.length === 0) throw new Fault('invalid', `${file} is empty.`)
  return lines
}

async function signed(value: unknown, where: string, key: AgentKey, asEnvelope: boolean): Promise<unknown> {
  const object = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if ('payloadType' in object) return countersigned(value, where, key)
  if (!Array.isArray(object['actions'])) return signedProposal(value, where, key, asEnvelope)
  const actions: unknown[] = []
  for (const [at, action] of object['actions'].entries())
    actions.push(await signedProposal(action, `${where}, action ${at + 1}`, key, asEnvelope))
  return asEnvelope ? actions : { ...object, actions }
}

async function signedProposal(value: unknown, where: string, key: AgentKey, asEnvelope: boolean): Promise<unknown> {
  const read = ActionProposal.safeParse(value)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new Fault('invalid', `${where} is no proposal: ${issue!.path.join('.') || 'the whole'}: ${issue!.message}`)
  }
  const statement = inForm(where, () => statementOf(read.data))
  const signatures = [...(read.data.signatures ?? []), await signStatement(statement, key)]
  return asEnvelope ? envelopeOf(statement, signatures) : { ...(value as object), signatures }
}

async function countersigned(value: unknown, where: string, key: AgentKey): Promise<Envelope> {
  const envelope = Envelope.safeParse(value)
  if (!envelope.success) throw new Fault('invalid', `${where} is no DSSE envelope.`)
  const said = inForm(where, () => parseCanonical(fromBase64(envelope.data.payload)))
  const statement = ActionStatement.safeParse(said)
  if (!statement.success) throw new Fault('invalid', `${where} holds no statement about an action: it is not signed.`)
  return envelopeOf(statement.data, [...envelope.data.signatures, await signStatement(statement.data, key)])
}

function inForm<T>(where: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (!(cause instanceof LedgerFault)) throw cause
    throw new Fault('invalid', `${where}: ${cause.message}`, { cause })
  }
}
