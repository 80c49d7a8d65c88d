// The marks of claims and records, drawn.
import type { Integrity, Truth } from '@whence/sdk'
import { html } from './html.ts'
import type { Html } from './html.ts'

export type Mark = Truth | Integrity

// Drawn, so that every font shows them alike: a tick, a quotation mark, a cross, a gap, a struck-out circle.
const drawings: Record<Mark, Html> = {
  recomputed: html`<path d="M2 6.5 5 9.5 10.5 2.5" />`,
  intact: html`<path d="M2 6.5 5 9.5 10.5 2.5" />`,
  asserted: html`<path d="M4.5 3.5C2.8 4 2.3 5.5 2.5 8M9.5 3.5C7.8 4 7.3 5.5 7.5 8" />`,
  contradicted: html`<path d="M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5" />`,
  altered: html`<path d="M6 1.5V7M6 10v.3" />`,
  missing: html`<path d="M6 1.8A4.2 4.2 0 1 1 6 10.2 4.2 4.2 0 0 1 6 1.8" stroke-dasharray="2 2.4" />`,
  erased: html`<path d="M6 1.8A4.2 4.2 0 1 1 6 10.2 4.2 4.2 0 0 1 6 1.8M3 9 9 3" />`,
}

/** Once a page: what the marks refer to. */
export const icons = html`<svg width="0" height="0" aria-hidden="true" focusable="false" class="visually-hidden">
  ${Object.entries(drawings).map(([mark, path]) => html`<symbol id="m-${mark}" viewBox="0 0 12 12">${path}</symbol>`)}
</svg>`

export function markOf(mark: Mark): Html {
  return html`<span class="mark ${mark}"
    ><svg aria-hidden="true"><use href="#m-${mark}" /></svg>${mark}</span
  >`
}
