import type { Consequence, WhatIf } from '@whence/sdk'
import { style } from './explanation-style.ts'
import { html, Html } from './html.ts'
import { number, plural, printable } from './text.ts'
import { calledOf, kindOf } from './what-if-text.ts'

/** A what-if report as one HTML page that needs nothing else: to be read, printed and kept with the change. */
export function whatIfPage(report: WhatIf): string {
  const answer = printable(report)
  const breaks = answer.consequences.filter(({ certainty }) => certainty === 'breaks')
  const might = answer.consequences.filter(({ certainty }) => certainty === 'might break')
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>Impact of a planned change</title>
        <style>
          ${new Html(style.replace('Whence, explanation of a prediction', 'Whence, impact of a planned change'))}
        </style>
      </head>
      <body>
        <header>
          <a class="skip" href="#main">Skip to what breaks</a>
          <h1>Whence: impact of a planned change</h1>
          ${
            answer.notes.length > 0 &&
            html`<ul class="alerts" aria-label="What this answer may lack">
              ${answer.notes.map((note) => html`<li><p>${note}</p></li>`)}
            </ul>`
          }
          <p class="sentence">${answer.sentence}</p>
          <dl class="facts">
            ${fact('Feature views that break', number(answer.breaking.featureViews))}
            ${fact('Model versions that break', number(answer.breaking.modelVersions))}
            ${fact('People with predictions of them', number(answer.breaking.people))}
            ${fact('Predictions counted', answer.since === undefined ? 'all' : `since ${answer.since.slice(0, 16)} UTC`)}
            ${fact('Knowing', `records before ${number(answer.asOf)}`)} ${fact('Might break', number(might.length))}
          </dl>
        </header>
        <main id="main">
          ${changes(answer)}
          ${consequences('Breaks', breaks, 'A value that goes missing is used here, and its user says so.')}
          ${consequences(
            'Might break',
            might,
            'The use is indirect or was derived from SQL, or nothing says which columns are used.',
          )}
          ${models(answer)}
        </main>
        <footer>
          <section>
            <div class="notes small muted">
              <p>
                This page reports what is known as of record ${number(answer.asOf)}. What no producer reports is not in
                it.
              </p>
            </div>
          </section>
        </footer>
      </body>
    </html> `
  return page.text.replace(/^ +/gm, '')
}

const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

function fact(label: string, value: string): Html {
  return html`<div>
    <dt>${label}</dt>
    <dd>${value}</dd>
  </div>`
}

function changes({ changes: planned }: WhatIf): Html {
  return html`<section aria-labelledby="changes">
    <h2 id="changes">The change</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">Dataset</th>
          <th scope="col">Column</th>
          <th scope="col">Type now</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody>
        ${planned.map(
          ({ dataset, field, type, change, to }) =>
            html`<tr>
              <th scope="row"><code>${dataset}</code></th>
              <td><code>${field}</code></td>
              <td>${type}</td>
              <td>${change}${to !== undefined && html` to <code>${to}</code>`}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`
}

function consequences(title: string, those: readonly Consequence[], lead: string): Html {
  const id = title.toLowerCase().replace(' ', '-')
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}: ${plural(those.length, 'thing')}</h2>
    ${
      those.length === 0
        ? html`<p class="lead">None is known.</p>`
        : html`<p class="lead">${lead}</p>
            <table>
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">Why</th>
                  <th scope="col">Owner</th>
                </tr>
              </thead>
              <tbody>
                ${those.map(
                  (each) =>
                    html`<tr>
                      <th scope="row"><span class="muted">${kindOf(each)}</span> <code>${calledOf(each)}</code></th>
                      <td>${each.why}</td>
                      <td>${each.owners.join(', ')}</td>
                    </tr>`,
                )}
              </tbody>
            </table>`
    }
  </section>`
}

function models({ models: reached }: WhatIf): Html | undefined {
  if (reached.length === 0) return undefined
  return html`<section aria-labelledby="models">
    <h2 id="models">Model versions</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">Model version</th>
          <th scope="col"></th>
          <th scope="col" class="number">Predictions</th>
          <th scope="col" class="number">People</th>
        </tr>
      </thead>
      <tbody>
        ${reached.map(
          ({ model, certainty, predictions, people }) =>
            html`<tr>
              <th scope="row"><code>${model}</code></th>
              <td>${certainty}</td>
              <td class="number">${number(predictions)}</td>
              <td class="number">${number(people)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`
}
