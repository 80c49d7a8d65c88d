import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createAgentKey, formatPublicKey } from '@whence/sdk'
import type { KeyFormat } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { positionals, printJson, flag, text, type Command } from '../command.ts'

export const agentsKeygen: Command = {
  name: 'agents keygen',
  summary: 'make a key with which an agent or an approver signs',
  usage: 'agents keygen FILE',
  options: {
    format: { type: 'string', value: 'FORMAT', help: 'jwk (default) or pem' },
  },
  details: `
Writes the private key to FILE, which only this user can read, and prints the public key for "keys:" in the file of the
agent. A file that is there already is left as it is. Whoever has FILE can sign: keep it where the agent runs, not in Git.
Needs no server.`,
  async run(context, args) {
    const [file] = positionals(args, 'FILE')
    const { key, file: content } = await createAgentKey(format(text(args, 'format')))
    const path = resolve(context.cwd, file!)
    await writeFile(path, content, { flag: 'wx', mode: 0o600 }).catch((cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EEXIST' ? 'is there already; name another' : `cannot be written: ${cause.message}`
      throw new Fault('usage', `${file} ${why}`, { cause })
    })
    const made = { keyid: key.keyid, key: formatPublicKey(key.publicKey) }
    if (flag(args, 'json')) printJson(context, made)
    else context.stdout(`keys:\n  - ${made.key} # ${made.keyid}\n`)
    return 0
  },
}

function format(word: string | undefined): KeyFormat {
  if (word === undefined || word === 'jwk' || word === 'pem') return word ?? 'jwk'
  throw new Fault('usage', `--format is jwk or pem, not "${word}".`)
}
