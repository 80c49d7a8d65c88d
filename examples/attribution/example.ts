import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MissingData, type Example } from '../example.ts'
import { independent } from './independent.ts'
import { at, customersIn, scoreCustomers } from './score.ts'
import { train } from './train.ts'

export const attribution: Example = {
  name: 'attribution',
  title: 'ad touchpoints of 7,896 customers, July 2018: real data, made by others',
  folder: fileURLToPath(new URL('.', import.meta.url)),
  async prepare(_work, from) {
    const file = join(from, 'attribution', 'attribution_data.csv')
    if (!existsSync(file)) throw new MissingData(file)
    return { touchpoints: file }
  },
  view: 'customer_touchpoints',
  at,
  train: (whence, files) => train(whence, files['touchpoints']!),
  score: (whence, model, snapshot, files) =>
    scoreCustomers(whence, { model, snapshot, customers: customersIn(files['touchpoints']!) }),
  explain: { number: '007765', question: 'Why was this customer expected to buy in the first week of August?' },
  independent: (files) => independent(files['touchpoints']!),
}
