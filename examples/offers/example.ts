import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MissingData, type Example } from '../example.ts'
import { withTimes } from './files.ts'
import { independent } from './independent.ts'
import { at, membersIn, scoreMembers } from './score.ts'
import { train } from './train.ts'

export const offers: Example = {
  name: 'offers',
  title: 'offers to 17,000 members of a coffee chain, first 30 hours: simulated by its publisher, made by others',
  folder: fileURLToPath(new URL('.', import.meta.url)),
  async prepare(work, from) {
    const transcript = join(from, 'starbucks', 'transcript.first-30h.truncated.json')
    const profile = join(from, 'starbucks', 'profile.json')
    for (const file of [transcript, profile]) if (!existsSync(file)) throw new MissingData(file)
    const profiles = join(work, 'profiles.ndjson')
    await writeFile(profiles, withTimes(await readFile(profile, 'utf8')))
    return { profiles, offer_events: transcript }
  },
  view: 'offer_response',
  at,
  train: (whence, files) => train(whence, files['offer_events']!),
  score: (whence, model, snapshot, files) =>
    scoreMembers(whence, { model, snapshot, members: membersIn(files['profiles']!) }),
  explain: { number: '010390', question: 'Why was this member expected to complete an offer?' },
  independent: (files) => independent(files['offer_events']!, files['profiles']!),
}
