// Receipts of other systems: Kantara's example and the vectors of IAB's own library, imported, asked about, exported again.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Client, ConsentImport } from '@whence/sdk'
import * as gpp from '@iabgpp/cmpapi'
import { ConsentStrings } from '../server/src/path/consent/imports/consent-strings.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const folder = fileURLToPath(new URL('../../shared/data/consent/', import.meta.url))
const [kantaraFile, vectorFile] = [
  `${folder}kantara/kantara-consent-receipt-v1_1-example.json`,
  `${folder}iab/gpp_tcf_decode_vectors.jsonl`,
]
const shared = existsSync(kantaraFile) && existsSync(vectorFile)
const skip = shared ? false : 'the shared consent data is not beside this checkout'

interface Vector {
  section: string
  case: string
  string: string
  expect?: Record<string, unknown>
  expect_error?: boolean
}

const vectors = (): Vector[] =>
  readFileSync(vectorFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector)

/** The vectors name fields by the library's constants or by their values; `X.length` is about the list X. */
function fieldOf(section: string, fields: Record<string, unknown>, name: string): unknown {
  const [bare, length] = name.split('.')
  const constants = (gpp as unknown as Record<string, Record<string, string>>)[`${section}Field`] ?? {}
  const value = fields[constants[bare!] ?? bare!]
  return length === 'length' ? (value as unknown[]).length : JSON.parse(JSON.stringify(value ?? null))
}

describe('receipts of other systems', () => {
  let site: Site
  let server: Running
  let client: Client

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
  })
  after(() => site.remove())

  const importOne = async (request: Omit<ConsentImport, 'receipts'>, receipt: ConsentImport['receipts'][number]) =>
    (await client.importConsents({ ...request, receipts: [receipt] })).results[0]!

  test("Kantara's example is accepted, and exported again equal", { skip }, async () => {
    const example = JSON.parse(readFileSync(kantaraFile, 'utf8')) as Record<string, unknown>
    const request = { format: 'kantara' as const, purposes: { 'To market services': 'marketing' } }
    const placed = await importOne(request, { receipt: example })
    assert.ok(placed.status === 'recorded')
    const again = await client.exportConsent(placed.receipt.seq)
    assert.deepEqual([again.format, again.receipt], ['kantara', example])
    assert.equal((await importOne(request, { receipt: example })).status, 'duplicate')
    const who = { identifier: 'Bowden Jeffries' }
    const check = await client.checkConsent({ ...who, purpose: 'marketing' })
    assert.deepEqual([check.allowed, check.receipt?.id], [true, example.consentReceiptID])
    // Before it was given, and what it says under another basis than consent.
    assert.equal(
      (await client.checkConsent({ ...who, purpose: 'marketing', at: '2017-11-13T16:59:59Z' })).allowed,
      false,
    )
    const { consents } = await client.consents(who)
    const { receipt } = consents[0]!
    assert.deepEqual(
      receipt.purposes.map(({ purpose, state }) => [purpose, state ?? receipt.state]),
      [
        ['to_provide_contracted_services', 'given'],
        ['to_personalize_service_experience', 'given'],
        ['marketing', 'given'],
        ['complying_with_legal_obligations', 'unknown'],
      ],
    )
    assert.equal(receipt.time, '2017-11-13T17:00:00.000000Z')
    assert.deepEqual([receipt.jurisdiction, receipt.language, receipt.imported], ['DW', 'en', 'kantara'])
    assert.deepEqual(receipt.thirdParties, [
      'The Ankh-morpork Deadbeat Debt Collectors Society',
      'Requesting legal authority',
    ])
    const { records } = await client.records({ from: placed.receipt.seq, limit: 1 })
    assert.doesNotMatch(JSON.stringify(records), /Bowden|Jeffries|William|ankh|c1befd3e/i)
    const standard = await client.exportConsent(placed.receipt.seq, { format: 'iso27560' })
    const { header, events } = standard.receipt as {
      header: Record<string, unknown>
      events: Record<string, unknown>[]
    }
    assert.equal(header.record_id, example.consentReceiptID)
    assert.deepEqual([events.length, events[3]!.event_state], [4, 'unknown'])
  })

  test('a Kantara receipt that lacks what it must have is refused with the place', { skip }, async () => {
    const example = JSON.parse(readFileSync(kantaraFile, 'utf8')) as Record<string, unknown>
    for (const [name, value] of [
      ['consentTimestamp', undefined],
      ['consentTimestamp', '2017'],
      ['version', 'KI-CR-v2.0'],
      ['services', []],
      ['piiControllers', 'somebody'],
      ['consentReceiptID', ''],
    ] as const) {
      const { [name]: _, ...rest } = example
      const broken = value === undefined ? rest : { ...rest, [name]: value }
      const placed = await importOne({ format: 'kantara' }, { receipt: broken })
      assert.ok(placed.status === 'refused' && placed.problem.message.includes(name), name)
    }
    assert.equal((await importOne({ format: 'kantara' }, { receipt: 'text' })).status, 'refused')
  })

  test('every vector decodes to what it says, or is refused', { skip }, async () => {
    const strings = new ConsentStrings()
    try {
      const all = vectors()
      assert.equal(all.length, 48)
      for (const { section, string, expect, expect_error: error, case: name } of all) {
        if (section === 'HeaderV1') continue
        const decoded = strings.read({ section: section.toLowerCase(), text: string })
        if (error) {
          await assert.rejects(decoded, { code: 'invalid' }, `${section}: ${name}`)
          continue
        }
        const { fields } = (await decoded)[0]!
        for (const [field, value] of Object.entries(expect!))
          assert.deepEqual(fieldOf(section, fields, field), value, `${section}: ${name}: ${field}`)
      }
    } finally {
      await strings.close()
    }
  })

  test(
    'every vector that decodes is imported, and exported again equal; every other is refused',
    { skip },
    async () => {
      const counts = { recorded: 0, refused: 0 }
      for (const [at, { section, string, expect_error: error }] of vectors().entries()) {
        if (section === 'HeaderV1') continue
        const receipt = section === 'TcfEuV2' ? string : `${section.toLowerCase()}:${string}`
        const format = section === 'TcfEuV2' ? 'tcf' : 'gpp'
        const placed = await importOne({ format }, { identifier: `v-${at}`, receipt })
        assert.equal(placed.status, error ? 'refused' : 'recorded', `${section} ${string}`)
        if (placed.status !== 'recorded') {
          counts.refused++
          continue
        }
        counts.recorded++
        assert.equal((await client.exportConsent(placed.receipt.seq)).receipt, receipt)
        assert.equal((await importOne({ format }, { identifier: `v-${at}`, receipt })).status, 'duplicate')
        // The same string of somebody else is another receipt.
        assert.equal((await importOne({ format }, { identifier: `other-${at}`, receipt })).status, 'recorded')
      }
      assert.deepEqual(counts, { recorded: 17, refused: 27 })
    },
  )

  test('a TC string grants what it says, for the vendor that is asked about', { skip }, async () => {
    const { string } = vectors().find(({ case: name }) => name.startsWith('decode with vendor'))!
    const purposes = { 'tcf.3': 'newsletter', 'tcf.4': 'newsletter', 'tcf.2': 'offers', 'tcf.1': 'marketing' }
    await importOne({ format: 'tcf', purposes, vendor: 28 }, { identifier: 't-1', receipt: string })
    await importOne({ format: 'tcf', purposes, vendor: 30 }, { identifier: 't-2', receipt: string })
    await importOne({ format: 'tcf' }, { identifier: 't-3', receipt: string })
    const check = async (identifier: string): Promise<string> =>
      (await client.checkConsent({ identifier, purpose: 'marketing' })).code
    assert.deepEqual([await check('t-1'), await check('t-2'), await check('t-3')], ['given', 'refused', 'unknown'])
    const said = async (identifier: string) =>
      (await client.consents({ identifier })).consents[0]!.receipt.purposes.map(
        ({ purpose, state }) => `${purpose} ${state}`,
      )
    assert.deepEqual((await said('t-1')).slice(0, 3), ['marketing given', 'offers refused', 'newsletter given'])
    assert.deepEqual((await said('t-3')).slice(0, 3), ['tcf.1 given', 'tcf.2 refused', 'tcf.3 given'])
    assert.ok((await said('t-2')).every((each) => each.endsWith('refused')))
  })

  test('a file of receipts is imported and one of them exported from the command line', { skip }, async () => {
    const example = JSON.parse(readFileSync(kantaraFile, 'utf8')) as Record<string, unknown>
    const other = { ...example, consentReceiptID: 'another', piiPrincipalId: 'Somebody Else' }
    const broken = { ...example, consentTimestamp: -1 }
    const input = [other, broken, { identifier: 'c-7', receipt: { ...other, consentReceiptID: 'a third' } }]
      .map((each) => JSON.stringify(each))
      .concat('no JSON', '{"a":1}')
      .join('\n')
    const at = ['--url', server.url, '--key', server.token]
    const options = ['--format', 'kantara', '--purpose', 'To market services=marketing', '--channel', 'email', '--json']
    const ran = await site.whenceWith({ input }, 'consents', 'import', '-', ...options, ...at)
    const { problems, ...counts } = JSON.parse(ran.stdout) as { problems: { line: number }[] }
    assert.deepEqual([ran.code, counts], [1, { recorded: 2, duplicate: 0, conflict: 0, refused: 3 }])
    assert.deepEqual(
      problems.map(({ line }) => line).toSorted((a, b) => a - b),
      [2, 4, 5],
    )
    const marketing = { purpose: 'marketing', channel: 'email' }
    assert.equal((await client.checkConsent({ identifier: 'c-7', ...marketing })).allowed, true)
    const { receipt } = await client.checkConsent({ identifier: 'Somebody Else', ...marketing })
    const exported = await site.whence('consents', 'export', String(receipt!.seq), ...at)
    assert.deepEqual(JSON.parse(exported.stdout), other)
  })

  test('a whole GPP string is read section by section; an opt-out in it refuses', async () => {
    const placed = await importOne(
      { format: 'gpp', purposes: { 'usp.sale': 'marketing' } },
      { identifier: 'g-1', receipt: 'DBABTA~1YYN' },
    )
    assert.equal(placed.status, 'recorded')
    assert.equal((await client.checkConsent({ identifier: 'g-1', purpose: 'marketing' })).code, 'refused')
    // That nobody opted out is no consent.
    await importOne(
      { format: 'gpp', purposes: { 'usp.sale': 'marketing' } },
      { identifier: 'g-2', receipt: 'DBABTA~1YNN' },
    )
    assert.equal((await client.checkConsent({ identifier: 'g-2', purpose: 'marketing' })).code, 'unknown')
  })

  test('a string that would fill the memory is refused, and the next one is read', async () => {
    // A TC string whose ranges name 65,535 vendors two thousand times over.
    const bits = (value: number, width: number): string => value.toString(2).padStart(width, '0')
    const head = bits(2, 6) + '0'.repeat(207)
    const ranges = `1${bits(1, 16)}${bits(65_535, 16)}`.repeat(2000)
    const core = `${head}${bits(65_535, 16)}1${bits(2000, 12)}${ranges}${bits(0, 16)}0${bits(0, 12)}`
    const text = core
      .padEnd(Math.ceil(core.length / 6) * 6, '0')
      .replaceAll(
        /.{6}/g,
        (six) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[Number.parseInt(six, 2)]!,
      )
    assert.ok(text.length < 16_384)
    const { results } = await client.importConsents({
      format: 'gpp',
      receipts: [
        { identifier: 'h-1', receipt: `tcfeuv2:${text}` },
        { identifier: 'h-2', receipt: 'uspv1:1YYN' },
        { identifier: 'h-3', receipt: 'nosection:1YYN' },
        { identifier: 'h-4', receipt: 'DBABTA~1YYN~1YYN' },
        { identifier: 'h-5', receipt: '~' },
      ],
    })
    assert.deepEqual(
      results.map(({ status }) => status),
      ['refused', 'recorded', 'refused', 'refused', 'refused'],
    )
    assert.equal((await client.status()).follower.lag, 0)
  })
})
