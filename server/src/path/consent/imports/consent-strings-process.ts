// Decodes IAB consent strings apart from everything else: a string of a hundred characters can name a hundred million
// vendors, and the library writes each of them down. What takes too much memory or time takes only this process with it; a
// worker thread would not do, because a thread that is out of memory can end the process that it is in.
import * as gpp from '@iabgpp/cmpapi'
import type { DecodedSection, DecodedString, StringToDecode } from './consent-strings.ts'

interface SectionClass {
  readonly NAME: string
  new (text: string): { toObj(): Record<string, unknown> }
}

const classes = new Map(
  Object.values(gpp as unknown as Record<string, SectionClass | undefined>).flatMap((each) =>
    each && 'NAME' in each ? [[each.NAME, each] as const] : [],
  ),
)

process.on('message', ({ section, text }: StringToDecode) => {
  let answer: DecodedString
  try {
    answer = { sections: section === undefined ? whole(text) : [one(section, text)] }
  } catch (error) {
    answer = { problem: error instanceof Error ? error.message.slice(0, 200) : 'it does not decode' }
  }
  process.send!(answer)
})

/** Every section of a GPP string, in its order. */
function whole(text: string): DecodedSection[] {
  const [header, ...sections] = text.split('~')
  const ids = new gpp.HeaderV1(header).getFieldValue('SectionIds') as number[]
  if (ids.length !== sections.length)
    throw new Error(`its header names ${ids.length} sections, and ${sections.length} follow`)
  const names = gpp.Sections.SECTION_ID_NAME_MAP as ReadonlyMap<number, string>
  return ids.map((id, at) => one(names.get(id) ?? String(id), sections[at]!))
}

function one(section: string, text: string): DecodedSection {
  const of = classes.get(section)
  if (!of) throw new Error(`the section ${section} is not known`)
  return { section, fields: new of(text).toObj() }
}
