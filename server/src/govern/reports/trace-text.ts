// A trace for a terminal: its spans as a tree, and what they say of actions.
import type { Trace, TraceAction, TraceSpan } from '@whence/sdk'
import { Family } from '../../rules/traces/family.ts'
import { number, paint, plural, printable } from './text.ts'
import type { Paint } from './text.ts'

const MOST_LINES = 400

export function traceText(given: Trace, color: boolean): string {
  const trace = printable(given)
  const brush = paint(color)
  const sealed = trace.spans.filter(({ subject }) => subject !== undefined).length
  return [
    `${brush.bold(`trace ${trace.trace}`)}   ${plural(trace.spans.length, 'span')}${trace.more ? ' and more' : ''}, ${number(sealed)} sealed under a person`,
    '',
    ...tree(trace.spans, brush),
    '',
    ...trace.actions.flatMap((action) => [...actionLines(action, brush), '']),
    ...(trace.actions.length === 0 ? [brush.dim('  No span names an action (whence.action.id).'), ''] : []),
  ].join('\n')
}

function tree(spans: readonly TraceSpan[], brush: Paint): string[] {
  const family = new Family(spans)
  const lines: string[] = []
  const written = new Set<TraceSpan>()
  const write = (span: TraceSpan, prefix: string, branch: string): void => {
    if (written.has(span)) return
    written.add(span)
    if (lines.length === MOST_LINES) lines.push(brush.dim('  … more; --json has all of it'))
    if (lines.length > MOST_LINES) return
    lines.push(`  ${prefix}${branch}${label(span, brush)}`)
    const inner = branch === '' ? prefix : prefix + (branch === '└ ' ? '  ' : '│ ')
    const children = family.children(span)
    children.forEach((child, i) => write(child, inner, i === children.length - 1 ? '└ ' : '├ '))
  }
  for (const span of spans) if (span.parent === undefined || !family.has(span.parent)) write(span, '', '')
  // Of a trace that goes in circles, the rest.
  for (const span of spans) write(span, '', '')
  return lines
}

function label(span: TraceSpan, brush: Paint): string {
  const { bold, dim, red } = brush
  const about = span.tool?.name ?? span.model?.requested ?? span.model?.answered ?? span.agent?.name ?? span.agent?.id
  const contents = Object.entries(span.contents ?? {}).map(([name, { bytes }]) => `${name} ${plural(bytes, 'byte')}`)
  const notes = [
    `${number(milliseconds(span))} ms`,
    tokens(span.usage),
    ...contents,
    `record ${number(span.seq)}`,
  ].filter(Boolean)
  const failed = span.status === 'error' ? red(`  ${span.error ?? 'error'}`) : ''
  return `${bold(span.operation ?? span.kind)}${about === undefined ? '' : ` ${about}`}${failed}  ${dim(notes.join(' · '))}`
}

function milliseconds({ start, end }: TraceSpan): number {
  return Date.parse(end) - Date.parse(start)
}

export function tokens(usage: Record<string, number> | undefined): string {
  if (usage?.input === undefined && usage?.output === undefined) return ''
  return `${number(usage.input ?? 0)} tokens in, ${number(usage.output ?? 0)} out`
}

function actionLines(action: TraceAction, { bold, dim }: Paint): string[] {
  const { actor, model, prompt, tools, evaluations } = action
  const line = (name: string, text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : [`    ${dim(name.padEnd(10))} ${text}`]
  const version = (name: string | undefined, of: string | undefined): string | undefined =>
    name === undefined ? of : of === undefined ? name : `${name} @ ${of}`
  return [
    `  ${bold(`action ${action.type ?? '(of no stated type)'}`)}   ${dim(action.id)}`,
    ...line(
      'actor',
      actor && [actor.type, version(actor.id, actor.version ?? actor.configuration)].filter(Boolean).join(' '),
    ),
    ...line('campaign', [action.campaign, action.creative, action.channel, action.purpose].filter(Boolean).join(' · ')),
    ...line(
      'model',
      model && `${version(model.name, model.version)}${model.provider === undefined ? '' : ` of ${model.provider}`}`,
    ),
    ...line('prompt', prompt && version(prompt.template, prompt.version)),
    ...line('tokens', tokens(action.usage)),
    ...line(
      'tools',
      tools.map(({ name = '(no name)', status }) => (status === 'error' ? `${name} (failed)` : name)).join(', '),
    ),
    ...line(
      'evaluated',
      evaluations
        .map(({ name = '?', score, label: said }) => [name, score, said].filter((part) => part !== undefined).join(' '))
        .join(', '),
    ),
    ...line('contents', Object.keys(action.contents ?? {}).join(', ')),
  ]
}
