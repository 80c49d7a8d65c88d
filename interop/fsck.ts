// Runs Tessera's fsck, which recomputes a whole log, over a log of ours:
//
//   node interop/fsck.ts http://127.0.0.1:PORT/log/ VKEY_FILE [KEY]      (or file:///folder/)
//
// KEY is the API key of a server.
//
// Exits 1 if it finds a fault. fsck itself exits 0 in any case: only what it says tells.
import { spawn } from 'node:child_process'

import { buildFsck } from './tools.ts'

/** What fsck found in the log at `url`; `key` is the API key of a server: `ok` only if it says that it has recomputed the whole log. */
export async function fsck(url: string, vkeyFile: string, key?: string): Promise<{ ok: boolean; said: string }> {
  const bearer = key === undefined ? [] : [`--bearer_token=${key}`]
  const program = spawn(buildFsck(), [
    `--storage_url=${url}`,
    `--public_key=${vkeyFile}`,
    '--ui=false',
    '--N=2',
    ...bearer,
  ])
  let said = ''
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  }
  await new Promise((resolve) => program.once('close', resolve))
  // A fault is told with the hashes of whole tiles, on lines of their own.
  const lines = said.split('\n').filter((line) => line.length < 400)
  return { ok: said.includes("Successfully fsck'd log with size"), said: lines.join('\n') }
}

if (import.meta.main) {
  const [url, vkeyFile, key] = process.argv.slice(2)
  if (url === undefined || vkeyFile === undefined) {
    console.error('usage: node interop/fsck.ts URL VKEY_FILE [KEY]')
    process.exit(2)
  }
  const { ok, said } = await fsck(url, vkeyFile, key)
  console.log(said.trim())
  console.log(ok ? 'ok' : 'FAIL')
  process.exit(ok ? 0 : 1)
}
