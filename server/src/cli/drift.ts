import type { DriftVerdict } from '@whence/sdk'
import { driftMarkdown, driftText } from '../govern/reports/drift-text.ts'
import { given, integer, positionals, text, time, withClient, type Command } from './command.ts'
import { following } from './following.ts'
import { answer, formatOption, oneOf } from './lineage/asking.ts'
import { refuseOtherForms, selection, selectionOptions, several, threshold } from './selecting.ts'

export const drift: Command = {
  name: 'drift',
  summary: 'how far what is served lies from what the model was trained on',
  usage: 'drift --model M',
  options: {
    ...selectionOptions,
    snapshot: { type: 'string', value: 'ID', help: 'compare this snapshot instead of the inputs of predictions' },
    training: { type: 'string', value: 'ID', help: 'the reference: a training set (default: that of the model)' },
    'reference-snapshot': { type: 'string', value: 'ID', help: 'the reference: a snapshot' },
    'reference-from': { type: 'string', value: 'T', help: 'the reference: predictions from this time on' },
    'reference-to': { type: 'string', value: 'T', help: 'and before this one' },
    by: { type: 'string', multiple: true, value: 'KEY', help: 'compare each group by itself too; as in whence replay' },
    bins: { type: 'string', value: 'N', help: 'quantile bins for numbers (default 10)' },
    least: { type: 'string', value: 'N', help: 'fewer rows than this say too little (default 200)' },
    watch: { type: 'string', value: 'PSI', help: 'from here on a feature is to be watched (default 0.1)' },
    'max-psi': { type: 'string', value: 'PSI', help: 'from here on it has drifted (default 0.25)' },
    'max-js': { type: 'string', value: 'BITS', help: 'the same by Jensen-Shannon divergence (default: none)' },
    'fail-on': { type: 'string', value: 'drifted|watch|never', help: 'when to exit with 1 (default: drifted)' },
    ...formatOption('text|json|markdown'),
  },
  details: `
PSI is the population stability index over bins of the reference. 0.1 and 0.25 are rules of thumb; a PSI within the noise
of the two samples is never called drift. docs/spec/replay.md has the formulas.
Exit code 1 when a feature or the score has drifted, in all predictions or in a group.`,
  async run(context, args) {
    positionals(args)
    refuseOtherForms(args)
    const by = several(args, 'by')
    const reference = given({
      trainingSet: text(args, 'training'),
      snapshot: integer(args, 'reference-snapshot'),
      from: time(args, 'reference-from'),
      to: time(args, 'reference-to'),
    })
    const failOn = oneOf(args, 'fail-on', ['drifted', 'watch', 'never'] as const) ?? 'drifted'
    const request = {
      ...selection(args),
      ...given({
        reference: Object.keys(reference).length > 0 ? reference : undefined,
        snapshot: integer(args, 'snapshot'),
        by: by.length > 0 ? by : undefined,
        bins: integer(args, 'bins', 2),
        least: integer(args, 'least', 1),
        watch: threshold(args, 'watch'),
        drifted: threshold(args, 'max-psi'),
        maxJs: threshold(args, 'max-js'),
      }),
    }
    const result = await withClient(context, args, (client) =>
      following(context, client, 'drift', (job) => client.drift({ ...request, job })),
    )
    const bad: DriftVerdict[] = failOn === 'never' ? [] : failOn === 'watch' ? ['drifted', 'watch'] : ['drifted']
    const met = ![result.verdict, ...(result.groups ?? []).map(({ verdict }) => verdict)].some((each) =>
      bad.includes(each),
    )
    answer(context, args, result, {
      text: () => driftText(result, { color: context.color, width: context.columns }),
      markdown: () => driftMarkdown(result, { met }),
    })
    return met ? 0 : 1
  },
}
