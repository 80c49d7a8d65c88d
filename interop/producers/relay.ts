// Stands between a producer and the server, and changes nothing unless told to: keeps what was sent, with which headers,
// and what the server answered. So a test can tell that a body really came compressed, and can send the same bytes again.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface Exchange {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** As sent. */
  readonly sent: Uint8Array
  readonly status: number
  readonly answer: string
}

export interface Relay {
  readonly url: string
  readonly exchanges: readonly Exchange[]
  /** The server's next answer does not reach the producer: it is told that the server is overloaded. */
  loseNext(): void
  close(): Promise<void>
}

export async function relayTo(target: string): Promise<Relay> {
  const exchanges: Exchange[] = []
  let losing = false
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void pass(Buffer.concat(chunks)).catch((error: unknown) => {
        response.statusCode = 502
        response.end(String(error))
      })
    })
    async function pass(sent: Uint8Array<ArrayBuffer>): Promise<void> {
      const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...headers } = request.headers
      const answered = await fetch(new URL(request.url!, target), {
        method: request.method!,
        headers: headers as Record<string, string>,
        ...(sent.length > 0 ? { body: sent } : {}),
      })
      const answer = await answered.text()
      exchanges.push({ path: request.url!, headers: request.headers, sent, status: answered.status, answer })
      if (losing) {
        losing = false
        response.writeHead(503, { 'retry-after': '0' })
        response.end()
        return
      }
      response.statusCode = answered.status
      for (const name of ['content-type', 'retry-after']) {
        const value = answered.headers.get(name)
        if (value !== null) response.setHeader(name, value)
      }
      response.end(answer)
    }
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    loseNext() {
      losing = true
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The event of an exchange, as bytes. */
export function eventOf({ headers, sent }: Exchange): Uint8Array {
  return headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
}
