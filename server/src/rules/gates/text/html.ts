// HTML as it is read: what is seen, what is there and not seen, what attributes say, and where links lead. Tokens are
// cut as a browser cuts them (parse5 follows the standard), so that broken markup hides nothing.
import { decodeHTML } from 'entities'
import { Tokenizer, TokenizerMode } from 'parse5'
import type { Token } from 'parse5'
import { Mapped, Rewriting } from './mapped.ts'
import type { Span } from './mapped.ts'

export interface Link extends Span {
  readonly href: string
  /** What is seen of it. */
  readonly text: string
}

export interface Page {
  readonly visible: Mapped
  /** Text that no reader sees: hidden elements, comments. */
  readonly hidden: Mapped
  /** Texts of attributes: `alt`, `title`, and where links lead. */
  readonly attributes: Mapped
  readonly links: readonly Link[]
  /** Hidden text that stands inside of a word, as if to cut it. */
  readonly cuts: readonly Span[]
  /** How much text is hidden, without comments. */
  readonly hiddenLength: number
}

const inline = new Set(
  'a abbr b bdi bdo big cite code data del dfn em font i img ins kbd label mark q s samp small span strike strong sub sup time tt u var wbr'.split(
    ' ',
  ),
)
const empty = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '))
const raw = new Map([
  ['script', TokenizerMode.SCRIPT_DATA],
  ['style', TokenizerMode.RAWTEXT],
  ['xmp', TokenizerMode.RAWTEXT],
  ['iframe', TokenizerMode.RAWTEXT],
  ['noembed', TokenizerMode.RAWTEXT],
  ['noframes', TokenizerMode.RAWTEXT],
  ['title', TokenizerMode.RCDATA],
  ['textarea', TokenizerMode.RCDATA],
])
const unread = new Set(['script', 'style'])
const told = new Set(['alt', 'title', 'aria-label', 'placeholder', 'value', 'content', 'label', 'summary'])
const leading = new Set(['href', 'src', 'action', 'background', 'data'])
const hiding =
  /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*\.?0*%?\s*(?:;|!|$)|font(?:-size)?\s*:\s*0(?:px|pt|em|rem|%)?\s*(?:;|!|\/|$)|mso-hide\s*:\s*all)/i
const reference = /&(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,8}|[a-zA-Z][a-zA-Z0-9]{1,31});?/g
const letterEnds = /[\p{L}\p{N}]$/u
const letterBegins = /^[\p{L}\p{N}]/u

/** So much of what is seen of a link is kept. */
const mostLinkText = 1000

/** Reads a page. Takes time linear in it, whatever it is. */
export function readHtml(html: string): Page {
  const reader = new Reader(html)
  return reader.read()
}

class Reader {
  readonly #html: string
  readonly #visible: Rewriting
  readonly #hidden: Rewriting
  readonly #attributes: Rewriting
  readonly #links: (Span & { href: string; from: number; to: number })[] = []
  readonly #cuts: Span[] = []
  /** Open elements, and how many of each name: an end tag without a beginning must not cost a search. */
  readonly #open: { name: string; hides: boolean; link?: { href: string; start: number; from: number } }[] = []
  readonly #count = new Map<string, number>()
  #at = 0
  #hiding = 0
  #hiddenLength = 0
  /** Hidden text since the last visible one, where that ended with a letter. */
  #cut: { start: number; end: number } | undefined
  #endsInLetter = false
  #tokenizer!: Tokenizer

  constructor(html: string) {
    // A carriage return would be dropped, and places would shift.
    this.#html = html.replaceAll('\r', ' ')
    const source = new Mapped(this.#html)
    this.#visible = new Rewriting(source)
    this.#hidden = new Rewriting(source)
    this.#attributes = new Rewriting(source)
  }

  read(): Page {
    const ignore = (): void => {}
    this.#tokenizer = new Tokenizer(
      { sourceCodeLocationInfo: true },
      {
        onStartTag: (token) => this.#upTo(token.location!, () => this.#start(token)),
        onEndTag: ({ tagName, location }) => this.#upTo(location!, () => this.#end(tagName, location!)),
        onComment: ({ data, location }) =>
          this.#upTo(location!, () =>
            this.#hidden.put(`\n${data}\n`, location!.startOffset, this.#within(location!.endOffset)),
          ),
        onDoctype: ({ location }) => this.#upTo(location!, ignore),
        // Text is what lies between: its tokens have no exact places where characters are written as references.
        onCharacter: ignore,
        onWhitespaceCharacter: ignore,
        onNullCharacter: ignore,
        onEof: ignore,
      },
    )
    this.#tokenizer.write(this.#html, true)
    this.#text(this.#at, this.#html.length)
    for (const { link } of this.#open) if (link) this.#linked(link, this.#html.length)
    const visible = this.#visible.done()
    return {
      visible,
      hidden: this.#hidden.done(),
      attributes: this.#attributes.done(),
      links: this.#links.map(({ href, start, end, from, to }) => ({
        href,
        start,
        end,
        text: visible.text.slice(from, Math.min(to, from + mostLinkText)),
      })),
      cuts: this.#cuts,
      hiddenLength: this.#hiddenLength,
    }
  }

  /** A token that the end of the page cuts off is said to end beyond it. */
  #within(end: number): number {
    return Math.min(end, this.#html.length)
  }

  /** What lies before a tag is text; then the tag counts. */
  #upTo({ startOffset, endOffset }: Token.Location, then: () => void): void {
    if (startOffset > this.#at) this.#text(this.#at, startOffset)
    this.#at = Math.max(this.#at, endOffset)
    then()
  }

  #text(startOffset: number, endOffset: number): void {
    const name = this.#open.at(-1)?.name
    if (startOffset >= endOffset || (name !== undefined && unread.has(name))) return
    const out = this.#hiding > 0 ? this.#hidden : this.#visible
    const html = this.#html
    let said = ''
    let at = startOffset
    for (const { 0: code, index } of this.#html.slice(startOffset, endOffset).matchAll(reference)) {
      const decoded = decodeHTML(code)
      if (decoded === code) continue
      out.copy(at, startOffset + index)
      said += html.slice(at, startOffset + index) + decoded
      at = startOffset + index + code.length
      out.put(decoded, startOffset + index, at)
    }
    out.copy(at, endOffset)
    this.#notice(out, said + html.slice(at, endOffset), { start: startOffset, end: endOffset })
  }

  /** Letters, something hidden, and letters again: a word was cut. */
  #notice(out: Rewriting, text: string, { start, end }: Span): void {
    if (out === this.#hidden) {
      this.#hiddenLength += text.replace(/[\s\p{Cf}\u034f\u2007\u00a0]/gu, '').length
      if (this.#cut) this.#cut.end = end
      else if (this.#endsInLetter) this.#cut = { start, end }
    } else if (text.length > 0) {
      if (this.#cut && letterBegins.test(text)) this.#cuts.push(this.#cut)
      this.#cut = undefined
      this.#endsInLetter = letterEnds.test(text.slice(-2))
    }
  }

  #start(token: Token.TagToken): void {
    const { tagName: name, attrs } = token
    const location = token.location!
    if (!inline.has(name)) {
      this.#break(location)
      // A paragraph ends where the next block begins.
      if (this.#open.at(-1)?.name === 'p') this.#end('p', location)
    }
    if (name === 'body') this.#end('head', location)
    let hides = name === 'template' || name === 'head'
    let href: string | undefined
    for (const { name: attribute, value } of attrs) {
      const place = location.attrs?.[attribute] ?? location
      if (attribute === 'hidden' || (attribute === 'style' && hiding.test(value))) hides = true
      if (attribute === 'href' && name === 'a') href = value
      if (told.has(attribute) || leading.has(attribute))
        this.#attributes.put(`${value}\n`, place.startOffset, this.#within(place.endOffset))
    }
    const mode = raw.get(name)
    if (mode !== undefined) this.#tokenizer.state = mode
    if (empty.has(name)) return
    const link = href === undefined ? {} : { link: { href, start: location.startOffset, from: this.#visible.length } }
    this.#open.push({ name, hides, ...link })
    this.#count.set(name, (this.#count.get(name) ?? 0) + 1)
    if (hides) this.#hiding++
  }

  #end(name: string, location: Token.Location): void {
    if (!inline.has(name)) this.#break(location)
    if (!this.#count.get(name)) return
    for (let closed = this.#open.pop(); closed !== undefined; closed = this.#open.pop()) {
      this.#count.set(closed.name, this.#count.get(closed.name)! - 1)
      if (closed.hides) this.#hiding--
      if (closed.link) this.#linked(closed.link, this.#within(location.endOffset))
      if (closed.name === name) return
    }
  }

  #linked({ href, start, from }: { href: string; start: number; from: number }, end: number): void {
    this.#links.push({ href, start, end, from, to: this.#visible.length })
  }

  #break({ startOffset }: Token.Location): void {
    const out = this.#hiding > 0 ? this.#hidden : this.#visible
    out.put('\n', startOffset, startOffset)
    if (this.#hiding > 0) return
    this.#cut = undefined
    this.#endsInLetter = false
  }
}
