// What our pages have in common: one HTML file that needs nothing else, no script and no address elsewhere, to be read and
// printed.
import { html, Html } from './html.ts'
import { style } from './page-style.ts'

const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** `printed` stands below each page on paper. It is text of ours. */
export function page({ title, printed, body }: { title: string; printed: string; body: Html }): string {
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        <style>
          ${new Html(style(printed))}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `
  return whole.text.replace(/^ +/gm, '')
}

export function fact(label: string, value: Html | string | undefined): Html | undefined {
  if (value === undefined) return undefined
  return html`<div>
    <dt>${label}</dt>
    <dd>${value}</dd>
  </div>`
}

export function section(id: string, title: string, lead: string | undefined, body: Html): Html {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${lead && html`<p class="lead">${lead}</p>`} ${body}
  </section>`
}

type Head = string | { number: string }
type Row = { id: string | undefined; class: string | undefined; cells: (Html | string)[] }

/** A table that becomes a list of cards on a narrow screen; the roles keep it a table for those who hear it. */
export function stacked(heads: Head[], rows: Row[], name = ''): Html {
  const columns = heads.map((head) =>
    typeof head === 'string' ? { label: head, class: undefined } : { label: head.number, class: 'number' },
  )
  return html`<table class="stacked ${name}" role="table">
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(({ label, class: of }) => html`<th scope="col" role="columnheader" class="${of}">${label}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(({ id, class: of, cells }) => {
        const attributes = html`${id && html` id="${id}"`}${of && html` class="${of}"`}`
        return html`<tr role="row" ${attributes}>
          ${cells.map((cell, i) => {
            const column = columns[i]!
            if (i === 0) return html`<th scope="row" role="rowheader">${cell}</th>`
            const empty = cell === '' && ' data-empty'
            return html`<td role="cell" class="${column.class}" data-label="${column.label}" ${empty}>
              <div>${cell}</div>
            </td>`
          })}
        </tr>`
      })}
    </tbody>
  </table>`
}
