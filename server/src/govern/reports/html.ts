/** A piece of HTML that may stand in a page as it is. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Piece = Html | string | number | undefined | null | false | readonly Piece[]

/**
 * HTML from a template: every value is escaped, unless it is `Html` itself; lists are joined, and what is absent is left
 * out. Values may stand in content and in quoted attributes, nowhere else.
 *
 * @example
 * html`<td title="${name}">${count > 0 && html`<b>${count}</b>`}</td>`
 */
export function html(strings: TemplateStringsArray, ...values: Piece[]): Html {
  return new Html(
    strings.reduce((text, string, i) => text + string + (i < values.length ? rendered(values[i]) : ''), ''),
  )
}

function rendered(piece: Piece): string {
  if (piece === undefined || piece === null || piece === false) return ''
  if (piece instanceof Html) return piece.text
  if (typeof piece === 'object') return piece.map(rendered).join('')
  return String(piece).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}
