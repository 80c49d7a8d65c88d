// Stands between an emitter and its server, and does to single requests what networks and servers do.
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to the next request. `lost`: the server answers, and nobody hears it. `torn`: half of the answer comes. */
export type Mishap = 'lost' | 'torn' | { status: number; headers?: Record<string, string>; body?: string }

export interface Way {
  readonly url: string
  /** Paths that were asked for, with the status that went back; 0 where none did. */
  readonly asked: { path: string; status: number; encoding: string | undefined }[]
  /** Where requests go; undefined: nowhere, the connection is refused after it was made. */
  target: string | undefined
  readonly mishaps: Mishap[]
  close(): Promise<void>
}

export async function wayTo(target: string): Promise<Way> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const asked = { path: request.url!, status: 0, encoding: request.headers['content-encoding'] }
      way.asked.push(asked)
      void pass(Buffer.concat(chunks), asked).catch(() => response.destroy())
    })
    async function pass(sent: Buffer<ArrayBuffer>, asked: { status: number }): Promise<void> {
      // Reports are nothing that a test waits for.
      const mishap = request.url!.endsWith('/reports') ? undefined : way.mishaps.shift()
      if (typeof mishap === 'object') {
        asked.status = mishap.status
        response.writeHead(mishap.status, mishap.headers)
        response.end(mishap.body)
        return
      }
      if (way.target === undefined) return void response.destroy()
      const { authorization, 'content-type': type, 'content-encoding': encoding } = request.headers
      const answered = await fetch(new URL(request.url!, way.target), {
        method: request.method!,
        headers: {
          authorization: authorization!,
          ...(type ? { 'content-type': type } : {}),
          ...(encoding ? { 'content-encoding': encoding } : {}),
        },
        ...(sent.length > 0 ? { body: sent } : {}),
      })
      const answer = await answered.text()
      if (mishap === 'lost') return void response.destroy()
      asked.status = answered.status
      if (mishap === 'torn') return tear(response, answer)
      response.writeHead(answered.status, { 'content-type': 'application/json' })
      response.end(answer)
    }
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const way: Way = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    target,
    mishaps: [],
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return way
}

function tear(response: ServerResponse, answer: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
  response.write(answer.slice(0, answer.length / 2), () => response.destroy())
}
