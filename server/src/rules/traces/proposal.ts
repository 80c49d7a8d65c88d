// A span that asks for it becomes the proposal of an action: what it says itself, completed by the spans of its trace that
// came with it.
import { ActionProposal } from '@whence/sdk'
import { hash } from 'node:crypto'
import { formatTime } from '../../record/time.ts'
import type { SpanFacts } from './facts.ts'
import type { Said } from './said.ts'
import type { Value } from './span.ts'

/** The spans that speak for an action, each list with the one first that says most. */
export interface Speaking {
  readonly naming: readonly SpanFacts[]
  readonly calling: readonly SpanFacts[]
  readonly acting: readonly SpanFacts[]
}

/** The proposal, or where it is not one. No reason quotes it. */
export function proposalOf({ naming, calling, acting }: Speaking): { proposal: ActionProposal } | { refused: string } {
  const own = naming.find(({ said }) => said.flag('whence.action.propose'))!
  const { said } = own
  const saying = [own, ...naming, ...calling]
  const actor = first(acting, (span) => actorOf(span.said))
  const parsed = ActionProposal.safeParse(
    filled({
      id: said.text('whence.action.id'),
      type: said.text('whence.action.type'),
      time: formatTime(own.end),
      actor,
      environment: first(saying, ({ environment }) => environment),
      campaign: said.text('whence.campaign'),
      creative: said.text('whence.creative'),
      entity: said.text('whence.entity'),
      subject: said.text('whence.subject'),
      subjectType: said.text('whence.subject.type'),
      channel: said.text('whence.channel'),
      purpose: said.text('whence.purpose'),
      address: said.text('whence.address'),
      notBefore: said.text('whence.not_before'),
      jurisdiction: said.text('whence.jurisdiction'),
      segments: some(said.texts('whence.segments')),
      targeting: filled(scalars(said.below('whence.targeting.'))),
      model: first(saying, modelOf),
      prompt: promptOf(saying),
      thought: first(saying, ({ contents }) => contents.get('thought')?.text),
      inputs: filled({
        profile: said.text('whence.inputs.profile'),
        datasets: some(said.texts('whence.inputs.datasets')),
        snapshots: some(said.numbers('whence.inputs.snapshots')),
        predictions: some(said.texts('whence.inputs.predictions')),
        events: some(said.texts('whence.inputs.events')),
        refs: some(said.texts('whence.inputs.refs')),
        features: filled(scalars(said.below('whence.inputs.features.'))),
      }),
      output: outputOf(own, saying),
      consent: filled({
        receipt: said.text('whence.consent.receipt'),
        version: said.text('whence.consent.version'),
      }),
      risk: said.text('whence.risk'),
      retention: said.text('whence.retention'),
    }),
  )
  if (parsed.success) return { proposal: parsed.data }
  const places = parsed.error.issues.slice(0, 5).map(({ path, code }) => `/${path.join('/')} (${code})`)
  return { refused: `it is no proposal at ${places.join(', ')}` }
}

function actorOf(said: Said): object | undefined {
  const id = said.text('whence.actor.id', 'gen_ai.agent.id', 'gen_ai.agent.name')
  if (id === undefined) return undefined
  const configuration = said.text('whence.actor.configuration', 'gen_ai.agent.version')
  return filled({ type: said.text('whence.actor.type') ?? 'agent', id, configuration })
}

function modelOf({ said, provider, configuration }: SpanFacts): object | undefined {
  const answered = said.text('gen_ai.response.model')
  const name = said.text('gen_ai.request.model') ?? answered
  if (name === undefined) return undefined
  return filled({
    name,
    version: answered === name ? undefined : answered,
    provider,
    configuration: filled(configuration),
  })
}

function promptOf(saying: readonly SpanFacts[]): object | undefined {
  const input = first(saying, ({ contents }) => contents.get('input'))
  return filled({
    template: first(saying, ({ said }) => said.text('whence.prompt.template', 'gen_ai.prompt.name')),
    version: first(saying, ({ said }) => said.text('whence.prompt.version', 'gen_ai.prompt.version')),
    text: input?.text,
    sha256: input && input.text === undefined ? input.sha256 : undefined,
    system: first(saying, ({ contents }) => contents.get('system')?.text),
  })
}

/** Copy is what is stated as copy: what a model answered may hold more than would be sent. */
function outputOf(own: SpanFacts, saying: readonly SpanFacts[]): object | undefined {
  const copy = [...own.contents].flatMap(([name, { whole, text }]) =>
    name.startsWith('copy.') ? [{ part: name.slice('copy.'.length), text: text ?? whole }] : [],
  )
  const answered = first(saying, ({ contents }) => contents.get('output'))
  return filled({
    copy: some(copy),
    sha256:
      copy.length > 0 || !answered
        ? undefined
        : answered.text === undefined
          ? answered.sha256
          : hash('sha256', answered.text),
    artifacts: some(own.said.texts('whence.output.artifacts')),
    value: filled(scalars(own.said.below('whence.output.value.'))),
  })
}

function scalars(values: ReadonlyMap<string, Value>): Record<string, Value> {
  return Object.fromEntries([...values].filter(([, value]) => typeof value !== 'object'))
}

function first<V>(spans: readonly SpanFacts[], read: (span: SpanFacts) => V | undefined): V | undefined {
  for (const span of spans) {
    const value = read(span)
    if (value !== undefined) return value
  }
  return undefined
}

function filled<T extends object>(value: T): Partial<T> | undefined {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return entries.length > 0 ? (Object.fromEntries(entries) as Partial<T>) : undefined
}

function some<T>(list: readonly T[]): T[] | undefined {
  return list.length > 0 ? [...list] : undefined
}
