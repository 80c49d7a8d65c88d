import { Fault } from '../../fault.ts'
import { number, paint } from '../../govern/reports/text.ts'
import { SmtpLine } from '../../store/smtp.ts'
import type { SmtpServer } from '../../store/smtp.ts'
import {
  flag,
  integer,
  positionals,
  printJson,
  required,
  text,
  withClient,
  type Args,
  type Command,
} from '../command.ts'
import type { Context } from '../context.ts'
import { campaign } from '../options.ts'
import { senderOf } from './message.ts'
import { send } from './sending.ts'
import type { Sent } from './sending.ts'

export const sendCommand: Command = {
  name: 'send',
  summary: 'send released e-mails by SMTP, and say what became of them',
  usage: 'send --smtp URL --from MAILBOX',
  options: {
    smtp: { type: 'string', value: 'URL', help: 'smtp://user:password@host:587 or smtps://… (WHENCE_SMTP)' },
    from: { type: 'string', value: 'MAILBOX', help: 'who sends, as in "Shop <news@shop.example>" (WHENCE_SMTP_FROM)' },
    'reply-to': { type: 'string', value: 'MAILBOX', help: 'who gets the answers' },
    'public-url': {
      type: 'string',
      value: 'URL',
      help: 'where recipients reach this server, to opt out (WHENCE_PUBLIC_URL)',
    },
    channel: { type: 'string', value: 'C', help: 'what is sent so (default email)' },
    campaign,
    environment: { type: 'string', value: 'E', help: 'of this environment (default production)' },
    limit: { type: 'string', value: 'N', help: 'try at most N messages' },
    lease: { type: 'string', value: 'SECONDS', help: 'what is lost goes out again after so long (default 300)' },
    attempts: { type: 'string', value: 'N', help: 'put off so often, a message has failed (default 12)' },
    tls: { type: 'string', value: 'T', help: 'required or none (default: required, but to this machine)' },
    ca: { type: 'string', value: 'FILE', help: 'certificates to trust, instead of the usual ones' },
    timeout: { type: 'string', value: 'SECONDS', help: 'without a word from the SMTP server (default 60)' },
    watch: { type: 'boolean', help: 'go on when nothing waits, until interrupted' },
  },
  details:
    'Each message goes out at least once. What broke off when it was on its way, or was sent and not acknowledged, goes out again when its lease is over, under the same Message-ID. The key needs the scope send.',
  async run(context, args) {
    positionals(args)
    const server = smtpServer(context, args)
    const from = senderOf(
      text(args, 'from') ?? context.env.WHENCE_SMTP_FROM ?? required(args, 'from', 'who sends?'),
      '--from',
    )
    const replyTo = text(args, 'reply-to')
    const publicUrl = publicUrlOf(text(args, 'public-url') ?? context.env.WHENCE_PUBLIC_URL)
    if (publicUrl === undefined)
      context.stderr(
        'whence: without --public-url the links to opt out lead to the address by which this reaches the server\n',
      )
    const wanted = {
      channel: text(args, 'channel') ?? 'email',
      campaign: text(args, 'campaign'),
      environment: text(args, 'environment'),
      limit: integer(args, 'limit', 1),
      lease: integer(args, 'lease', 10) ?? 300,
      attempts: integer(args, 'attempts', 1) ?? 12,
      watch: flag(args, 'watch'),
    }
    const letterhead = { from, replyTo: replyTo === undefined ? undefined : senderOf(replyTo, '--reply-to'), publicUrl }
    const interrupted = new AbortController()
    const interrupt = (): void => interrupted.abort()
    const restore = context.onInterrupt(interrupt)
    process.once('SIGTERM', interrupt)
    try {
      const sent = await withClient(context, args, (client) =>
        send(
          {
            client,
            line: new SmtpLine(server),
            letterhead,
            say: (sentence) => context.stderr(`${clear(context)}whence: ${sentence}\n`),
            progress: (far) => {
              if (context.isTTY.stderr) context.stderr(`${clear(context)}  … ${number(far.sent)} sent`)
            },
            stop: interrupted.signal,
          },
          wanted,
        ),
      )
      if (context.isTTY.stderr) context.stderr(clear(context))
      if (flag(args, 'json')) printJson(context, sent)
      else context.stdout(sentText(sent, context))
      const { failed, unknown, unacknowledged, stopped } = sent
      return failed + unknown + unacknowledged > 0 || stopped !== undefined ? 1 : 0
    } finally {
      restore()
      process.removeListener('SIGTERM', interrupt)
    }
  },
}

/** The server that options and environment name. Its address holds a password: it is never printed. */
export function smtpServer(context: Pick<Context, 'env'>, args: Args): SmtpServer {
  const given = text(args, 'smtp') ?? context.env.WHENCE_SMTP
  if (!given) throw new Fault('usage', '--smtp is missing: the SMTP server, as in smtp://user:password@host:587')
  const url = URL.parse(given)
  const protocol = url?.protocol
  if (!url || (protocol !== 'smtp:' && protocol !== 'smtps:') || url.hostname === '' || !/^\/?$/.test(url.pathname))
    throw new Fault('usage', '--smtp is no address of an SMTP server: write smtp://host:587 or smtps://host.')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const secure = protocol === 'smtps:'
  const local = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
  const tls = text(args, 'tls') ?? (local ? 'offered' : 'required')
  if (tls !== 'required' && tls !== 'none' && tls !== 'offered') throw new Fault('usage', '--tls is required or none.')
  return {
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    tls,
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    ca: text(args, 'ca'),
    timeoutMs: (integer(args, 'timeout', 1) ?? 60) * 1000,
  }
}

function publicUrlOf(given: string | undefined): string | undefined {
  if (!given) return undefined
  const url = URL.parse(given)
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Fault('usage', '--public-url is an address as in https://whence.shop.example.')
  return url.href.replace(/\/+$/, '')
}

function sentText(sent: Sent, { color }: Context): string {
  const { green, red, yellow } = paint(color)
  const { again, late, withdrawn, unacknowledged } = sent
  const counts = [
    green(`${number(sent.sent)} sent`),
    ...(sent.failed > 0 ? [red(`${number(sent.failed)} failed`)] : []),
    ...(sent.later > 0 ? [yellow(`${number(sent.later)} put off or not tried`)] : []),
    ...(sent.unknown > 0 ? [red(`${number(sent.unknown)} perhaps sent`)] : []),
  ]
  const notes = [
    ...(again > 0 ? [`${number(again)} may have gone out before, under the same Message-ID`] : []),
    ...(withdrawn > 0 ? [`${number(withdrawn)} had withdrawn before they were acknowledged`] : []),
    ...(late > 0 ? [`${number(late)} acknowledged after their lease`] : []),
    ...(unacknowledged > 0 ? [`${number(unacknowledged)} not acknowledged`] : []),
    ...(sent.stopped === undefined ? [] : [`stopped: the SMTP server: ${sent.stopped}`]),
  ]
  return `  ${counts.join(' · ')}\n${notes.map((note) => `  ${note}\n`).join('')}`
}

function clear({ isTTY }: Context): string {
  return isTTY.stderr ? '\r\x1b[2K' : ''
}
