// Whom a request means: an identifier of some type, or a subject id, and one of them only.
import { Fault } from '../../fault.ts'
import type { Subject, Subjects } from '../../record/subjects/subjects.ts'

export interface Who {
  readonly identifier?: string | undefined
  readonly subject?: string | undefined
  readonly subjectType?: string | undefined
}

/** The subject, made when first seen; 'erased'; undefined for a subject id that nobody has. Throws `invalid`. */
export function minted(subjects: Subjects, who: Who): Subject | 'erased' | undefined {
  return chosen(subjects, who, (type, identifier) => subjects.mint(type, identifier))
}

/** As `minted`, and nobody is made: undefined where nothing is recorded about them. */
export function found(subjects: Subjects, who: Who): Subject | 'erased' | undefined {
  return chosen(subjects, who, (type, identifier) => subjects.find(type, identifier))
}

/** As `found`, without unwrapping any key: the subject's id. A subject id is taken as it is given. */
export function foundId(subjects: Subjects, who: Who): string | undefined {
  refuseDoubt(who)
  return who.subject ?? subjects.idOf(who.subjectType ?? 'customer', who.identifier!)
}

function chosen(
  subjects: Subjects,
  who: Who,
  by: (type: string, identifier: string) => Subject | 'erased' | undefined,
): Subject | 'erased' | undefined {
  refuseDoubt(who)
  return who.subject === undefined ? by(who.subjectType ?? 'customer', who.identifier!) : subjects.byId(who.subject)
}

function refuseDoubt({ identifier, subject }: Who): void {
  if ((identifier === undefined) === (subject === undefined))
    throw new Fault('invalid', 'who is meant: give "identifier" or "subject", one of them')
}
