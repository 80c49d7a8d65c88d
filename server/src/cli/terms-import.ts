import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { Fault } from '../fault.ts'
import { number, plural, printable } from '../govern/reports/text.ts'
import { importTerms } from '../rules/gates/terms/importing.ts'
import { Severity } from '../rules/gates/terms/term-list.ts'
import { flag, positionals, printJson, text, type Command } from './command.ts'

/** No list that anybody keeps is longer. */
const mostBytes = 8 * 1024 * 1024

export const termsImport: Command = {
  name: 'terms import',
  summary: 'make a term list from the rules of SpamAssassin, or from a phrase a line',
  usage: 'terms import FILE',
  options: {
    name: { type: 'string', value: 'NAME', help: 'of the list (default: the name of the file)' },
    out: { type: 'string', value: 'FILE', help: 'where to write it (default: policies/NAME.yaml)' },
    language: { type: 'string', value: 'CODE', help: 'of the terms, as in en' },
    severity: { type: 'string', value: 'LEVEL', help: 'low, medium or high, of terms that say none (default: medium)' },
    source: { type: 'string', value: 'TEXT', help: 'where the terms are from, and their licence' },
    force: { type: 'boolean', help: 'replace a file that is there' },
  },
  details: `
FILE is JSON, a list of {name, target, pattern, flags, describe, score}, or text, a phrase a line (# begins a remark).
Patterns that look around or refer back cannot be matched in linear time and are left out, and named. Nothing is put
into force: look at what was written, and apply it.`,
  run: async (context, args) => {
    const [given] = positionals(args, 'FILE') as [string]
    const from = resolve(context.cwd, given)
    if (!existsSync(from) || !statSync(from).isFile()) throw new Fault('usage', `${given} is not there: name a file.`)
    if (statSync(from).size > mostBytes)
      throw new Fault('invalid', `${given} has more than 8 MiB: no list is that long.`)
    const name = text(args, 'name') ?? basename(given, extname(given)).replace(/[^A-Za-z0-9_.-]/g, '-')
    const severity = Severity.optional().safeParse(text(args, 'severity'))
    if (!severity.success) throw new Fault('usage', '--severity must be low, medium or high.')
    const out = text(args, 'out') ?? `policies/${name}.yaml`
    const to = resolve(context.cwd, out)
    if (existsSync(to) && !flag(args, 'force'))
      throw new Fault('usage', `${out} is there: name another with --out, or replace it with --force.`)
    const { list, yaml, skipped } = importTerms(readFileSync(from, 'utf8'), {
      name,
      severity: severity.data,
      language: text(args, 'language'),
      source: text(args, 'source'),
    })
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, yaml)
    if (flag(args, 'json')) printJson(context, { file: out, name, terms: list.terms.length, skipped })
    else {
      context.stdout(`${printable(out)}: ${plural(list.terms.length, 'term')}, ${number(skipped.length)} left out\n`)
      for (const { term, reason } of skipped) context.stdout(`  ${printable(term)}: ${printable(reason)}\n`)
    }
    return 0
  },
}
