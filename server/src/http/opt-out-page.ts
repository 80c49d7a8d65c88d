// The one page that people outside come to: a link in a message, opened or posted to (RFC 8058). Opening it changes
// nothing, because mail programs open links by themselves; only the post opts out.
import type { Context, Hono } from 'hono'
import { Fault } from '../fault.ts'
import type { Env } from './body.ts'

/** Opts out by the link in a message. Both throw `forbidden` where the link is not one of ours. */
export interface OneClick {
  read(token: string): { channel: string | undefined }
  take(token: string): Promise<{ channel: string | undefined }>
}

const MAX_FORM_BYTES = 4096

export function optOutRoutes(app: Hono<Env>, links: OneClick): void {
  app.get('/opt-out/:token', (c) => {
    const { channel } = links.read(c.req.param('token'))
    const what = channel === undefined ? 'messages about offers' : `messages about offers by ${channel}`
    return page(
      c,
      'Stop these messages?',
      `<p>You will get no more ${what} from this sender.</p>
<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>Stop them</button></form>`,
    )
  })
  app.post('/opt-out/:token', async (c) => {
    if ((await clicked(c)) !== 'One-Click')
      throw new Fault('invalid', 'the form has no List-Unsubscribe=One-Click (RFC 8058): nothing was changed')
    await links.take(c.req.param('token'))
    return page(c, 'Done', '<p>You will get no more of these messages from this sender.</p>')
  })
}

/** What the form says of List-Unsubscribe, url-encoded or in parts; never more than a few kilobytes are read. */
async function clicked(c: Context<Env>): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of c.req.raw.body ?? []) {
    length += chunk.length
    if (length > MAX_FORM_BYTES) throw new Fault('too_large', `the form has more than ${MAX_FORM_BYTES} bytes`)
    chunks.push(chunk)
  }
  const type = c.req.header('content-type') ?? 'application/x-www-form-urlencoded'
  try {
    const form = await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } }).formData()
    const said = form.get('List-Unsubscribe')
    return typeof said === 'string' ? said : undefined
  } catch (cause) {
    throw new Fault('invalid', 'the body is no form: send List-Unsubscribe=One-Click', { cause })
  }
}

function page(c: Context<Env>, title: string, body: string): Response | Promise<Response> {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>body{font:18px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}
button{font:inherit;padding:.5rem 1rem}</style><h1>${title}</h1>
${body}</html>`
  return c.html(html, 200, {
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
  })
}
