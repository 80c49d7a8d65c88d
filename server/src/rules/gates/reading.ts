// What a person would read of an action's copy, in every way in which it can be read.
import type { CopyPart } from '@whence/sdk'
import { fold, joined, uncut, unleet, words } from './text/fold.ts'
import { readHtml } from './text/html.ts'
import type { Page } from './text/html.ts'
import { Mapped } from './text/mapped.ts'
import { plain } from './text/plain.ts'

/** One way of reading a part. `hidden` is there and not seen; `attributes` are alternative texts and where links lead. */
export interface View {
  readonly part: string
  readonly seen: 'visible' | 'hidden' | 'attributes'
  readonly text: Mapped
}

/** A part of the copy, read once for all gates. */
export class Reading {
  readonly part: string
  readonly source: string
  /** Where the part is a page. */
  readonly page: Page | undefined
  readonly views: readonly View[]
  readonly #plain = new Map<View, Mapped>()
  readonly #forms = new Map<View, readonly Mapped[]>()

  constructor({ part, text }: CopyPart) {
    this.part = part
    this.source = text
    this.page = isHtml(part, text) ? readHtml(text) : undefined
    const whole: View = { part, seen: 'visible', text: new Mapped(text) }
    if (this.page === undefined) this.views = [whole]
    else {
      const { visible, hidden, attributes } = this.page
      this.views = [
        // Who calls it a text may show it as one: then its tags are seen as well.
        ...(part.includes('html') ? [] : [whole]),
        { part, seen: 'visible', text: visible },
        { part, seen: 'hidden', text: hidden },
        { part, seen: 'attributes', text: attributes },
      ]
    }
  }

  /** What is seen of it, as one text. */
  get visible(): Mapped {
    return this.page?.visible ?? this.views[0]!.text
  }

  plain(view: View): Mapped {
    let found = this.#plain.get(view)
    if (found === undefined) this.#plain.set(view, (found = plain(view.text)))
    return found
  }

  /** Its words, in each form in which a term may be written. */
  forms(view: View): readonly Mapped[] {
    let found = this.#forms.get(view)
    if (found === undefined) this.#forms.set(view, (found = wordForms(fold(this.plain(view)))))
    return found
  }
}

/** Words as they are; drawn together; without signs inside; with digits read as letters. */
function wordForms(folded: Mapped): Mapped[] {
  const asWritten = words(folded)
  const close = joined(asWritten)
  const whole = uncut(folded)
  const forms = [asWritten, close, whole && words(whole), unleet(close ?? asWritten)]
  return forms.filter((form) => form !== undefined)
}

/** The words of a phrase, as they are looked for. A phrase and a text are brought to the same form. */
export function phraseWords(phrase: string): string {
  return words(fold(plain(phrase))).text
}

const tag =
  /<(?:!doctype|html|head|body|table|div|p|a|br|span|img|h[1-6]|b|strong|i|em|ul|ol|li|td|tr|style|font|center)\b[^<]{0,2000}>/i

function isHtml(part: string, text: string): boolean {
  return part.includes('html') || tag.test(text.slice(0, 20_000)) || tag.test(text.slice(-20_000))
}
