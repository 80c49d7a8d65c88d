import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Example } from '../example.ts'
import { independent } from './independent.ts'
import { at, customersIn, scoreCustomers } from './score.ts'
import { simulate } from './simulate.ts'
import { train } from './train.ts'

export const email: Example = {
  name: 'email',
  title: 'e-mail sample: a simulated spring programme, 40 campaigns × 3 creatives, seed 7',
  folder: fileURLToPath(new URL('.', import.meta.url)),
  async prepare(work) {
    const file = join(work, 'email_events.ndjson')
    await writeFile(file, simulate().lines.join('\n'))
    return { email_events: file }
  },
  view: 'customer_engagement',
  at,
  train: (whence, files) => train(whence, files['email_events']!),
  score: (whence, model, snapshot, files) =>
    scoreCustomers(whence, { model, snapshot, customers: customersIn(files['email_events']!) }),
  explain: { number: '000042', question: 'Why did customer 42 get subject line A?' },
  independent: (files) => independent(files['email_events']!),
}
