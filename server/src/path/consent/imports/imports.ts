// Receipts of other systems: read into ours, kept as they came, given back as they came.
import type { ConsentExport, ConsentExportQuery, ConsentImport, ConsentResults, ImportedReceipt } from '@whence/sdk'
import type { Json } from '@whence/ledger'
import { Fault, isFault } from '../../../fault.ts'
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { Caller } from '../../../rules/access/access.ts'
import { receiptOf } from '../consent-record.ts'
import type { Consents, IncomingReceipt } from '../consents.ts'
import { minted } from '../who.ts'
import type { ConsentStrings } from './consent-strings.ts'
import { readIab } from './iab.ts'
import { iso27560 } from './iso27560.ts'
import { readKantara } from './kantara.ts'

export class ConsentImports {
  readonly #ledger: Ledger
  readonly #consents: Consents
  readonly #strings: ConsentStrings

  constructor(parts: { ledger: Ledger; consents: Consents; strings: ConsentStrings }) {
    this.#ledger = parts.ledger
    this.#consents = parts.consents
    this.#strings = parts.strings
  }

  /** Records receipts of one format. What cannot be read is refused with the reason, and keeps back none of the others. */
  async import(request: ConsentImport, caller: Caller): Promise<ConsentResults> {
    const read: (IncomingReceipt | Fault)[] = []
    for (const given of request.receipts) {
      try {
        read.push(await this.#read(request, given))
      } catch (error) {
        if (!isFault(error)) throw error
        read.push(error)
      }
    }
    const taken = await this.#consents.take(
      read.filter((each): each is IncomingReceipt => !isFault(each)),
      caller,
    )
    let next = 0
    const results = read.map((each): ConsentResults['results'][number] =>
      isFault(each)
        ? { id: '', version: 1, status: 'refused', problem: { code: each.code, message: each.message } }
        : taken.results[next++]!,
    )
    return { ...taken, refused: results.filter(({ status }) => status === 'refused').length, results }
  }

  /** One receipt, as it was imported or by the names of the standard. Throws `not_found`. */
  export(seq: number, { format = 'original' }: ConsentExportQuery): ConsentExport {
    const { header, body } = this.#consents.open(seq)
    if (format === 'iso27560') {
      const subject = this.#ledger.line(seq).subject
      return { seq, format, receipt: iso27560({ ...body, id: receiptOf(header).id }, String(header.time), subject) }
    }
    if (body.imported === undefined)
      throw new Fault('not_found', `the receipt at record ${seq} was not imported: ask for format=iso27560`)
    return { seq, format: body.imported, receipt: body.original as ConsentExport['receipt'] }
  }

  async #read(request: ConsentImport, given: ImportedReceipt): Promise<IncomingReceipt> {
    const { format, purposes, vendor, channels } = request
    const { receipt, identifier, subject, subjectType } = given
    const who = { identifier, subject, subjectType }
    const kept = { imported: format, original: receipt as Json }
    if (format === 'kantara') {
      if (typeof receipt === 'string') throw new Fault('invalid', 'a Kantara receipt is a JSON object, not a text')
      const { identifier: principal, ...said } = readKantara(receipt, { purposes, channels })
      const named = identifier === undefined && subject === undefined ? { identifier: principal, subjectType } : who
      return { ...said, ...named, ...kept }
    }
    if (typeof receipt !== 'string') throw new Fault('invalid', 'a consent string is a text, not a JSON object')
    const [, section, text] = /^(?:([a-z0-9]{3,16}):)?(.*)$/s.exec(receipt)!
    const job = section === undefined ? { text: text! } : { section, text: text! }
    const sections = await this.#strings.read(format === 'tcf' ? { section: 'tcfeuv2', text: receipt } : job)
    const person = minted(this.#ledger.subjects, who)
    if (person === 'erased') throw new Fault('conflict', 'this person was erased: nothing is recorded about them again')
    if (person === undefined) throw new Fault('not_found', `no subject has the id ${subject}, or it was erased`)
    return { ...readIab(receipt, sections, person.id, { purposes, vendor, channels }), subject: person.id, ...kept }
  }
}
