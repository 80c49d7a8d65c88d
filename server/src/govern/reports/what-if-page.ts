import type { Consequence, WhatIf } from '@whence/sdk'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { fact, page, section } from './page.ts'
import { number, plural, printable } from './text.ts'
import { calledOf, kindOf } from './what-if-text.ts'

/** A what-if report as one HTML page that needs nothing else: to be read, printed and kept with the change. */
export function whatIfPage(report: WhatIf): string {
  const answer = printable(report)
  const breaks = answer.consequences.filter(({ certainty }) => certainty === 'breaks')
  const might = answer.consequences.filter(({ certainty }) => certainty === 'might break')
  return page({
    title: 'Impact of a planned change',
    printed: 'Whence, impact of a planned change',
    body: html`
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
    `,
  })
}

function changes({ changes: planned }: WhatIf): Html {
  const table = html`<table>
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
  </table>`
  return section('changes', 'The change', undefined, table)
}

function consequences(title: string, those: readonly Consequence[], lead: string): Html {
  const id = title.toLowerCase().replace(' ', '-')
  const heading = `${title}: ${plural(those.length, 'thing')}`
  if (those.length === 0) return section(id, heading, 'None is known.', html``)
  const table = html`<table>
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
  return section(id, heading, lead, table)
}

function models({ models: reached }: WhatIf): Html | undefined {
  if (reached.length === 0) return undefined
  const table = html`<table>
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
  </table>`
  return section('models', 'Model versions', undefined, table)
}
