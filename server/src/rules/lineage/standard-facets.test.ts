// Our reading of the standard's facets, held against the standard's own JSON Schemas.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { standardFacets } from './standard-facets.ts'

const folder = new URL('../../../../../shared/openlineage/', import.meta.url).pathname

suite('standard facets', { skip: existsSync(folder) ? false : 'the shared OpenLineage folder is not here' }, () => {
  // Formats are notes in 2020-12, and the facets' base is looked at elsewhere.
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const read = (file: string): Record<string, unknown> =>
    JSON.parse(readFileSync(`${folder}${file}`, 'utf8')) as Record<string, unknown>
  const schemas = globSync('spec/facets/*.json', { cwd: folder }).map((file) => read(file))
  ajv.addSchema(read('spec/OpenLineage.json'))
  const checks = new Map<string, ((value: unknown) => boolean)[]>()
  for (const schema of schemas) {
    const fits = ajv.compile(schema)
    for (const key of Object.keys(schema.properties as object))
      checks.set(key, [...(checks.get(key) ?? []), (facet) => fits({ [key]: facet })])
  }

  // By its schema a job's form that is broken would pass as a dataset's form, of which every member is optional.
  const [ofJobs, ofDatasets] = ['LineageJobFacet', 'LineageDatasetFacet'].map((name) =>
    ajv.compile({ $ref: `https://openlineage.io/spec/facets/1-0-0/LineageFacet.json#/$defs/${name}` }),
  )
  checks.set('lineage', [(facet) => ('entries' in (facet as object) ? ofJobs! : ofDatasets!)(facet)])

  test('all of them are known', () => {
    assert.deepEqual([...checks.keys()].toSorted(), Object.keys(standardFacets).toSorted())
  })

  test('the examples of the specification fit', () => {
    let seen = 0
    for (const file of globSync('spec/tests/**/*.json', { cwd: folder })) {
      for (const [key, facet] of Object.entries(read(file))) {
        const schema = standardFacets[key]
        if (!schema) continue
        seen++
        assert.deepEqual(schema.safeParse(facet).error?.issues, undefined, file)
      }
    }
    assert.ok(seen >= 40, String(seen))
  })

  test('every facet of every event, and each with a member removed or replaced, is judged as the schema does', () => {
    const base = { _producer: 'https://x.example', _schemaURL: 'https://x.example/schema' }
    const seen = new Set<string>()
    let compared = 0
    for (const { key, facet } of facetsOf()) {
      const shape = key + JSON.stringify(facet)
      if (seen.has(shape)) continue
      seen.add(shape)
      for (const variant of variants(facet)) {
        const { _deleted: _, ...whole }: Record<string, unknown> = { ...base, ...variant }
        const expected = checks.get(key)!.some((fits) => fits(whole))
        assert.equal(
          standardFacets[key]!.safeParse(whole).success,
          expected,
          `${key}: ${JSON.stringify(whole).slice(0, 500)}`,
        )
        compared++
      }
    }
    assert.ok(compared > 5000, String(compared))
  })

  function* facetsOf(): Generator<{ key: string; facet: Record<string, unknown> }> {
    for (const file of globSync('{events,spec/tests}/**/*.json', { cwd: folder })) {
      const waiting: unknown[] = [JSON.parse(readFileSync(`${folder}${file}`, 'utf8'))]
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        if (typeof next !== 'object' || next === null) continue
        for (const [key, value] of Object.entries(next)) {
          waiting.push(value)
          // A subset's conditions are not looked into.
          if (key === 'subset' || !checks.has(key) || typeof value !== 'object' || value === null) continue
          if (!Array.isArray(value) && '_producer' in value) yield { key, facet: value as Record<string, unknown> }
        }
      }
    }
  }

  /** The facet itself, and it with one of its members (or of theirs) absent or of another type. */
  function* variants(facet: Record<string, unknown>): Generator<Record<string, unknown>> {
    yield facet
    for (const [key, value] of Object.entries(facet)) {
      if (key.startsWith('_')) continue
      const { [key]: _, ...rest } = facet
      yield rest
      for (const other of [null, 5, 1.5, 'text', true, [], {}, [5], [{}]]) yield { ...facet, [key]: other }
      const [first] = Array.isArray(value) ? (value as unknown[]) : Object.values(value ?? {})
      if (typeof first !== 'object' || first === null) continue
      for (const inner of Object.keys(first)) {
        for (const other of [undefined, null, 5, 'text', []]) {
          const changed: Record<string, unknown> = { ...first, [inner]: other }
          if (other === undefined) delete changed[inner]
          const name = Object.keys(value as object)[0]!
          yield { ...facet, [key]: Array.isArray(value) ? [changed] : { ...(value as object), [name]: changed } }
        }
      }
    }
  }
})
