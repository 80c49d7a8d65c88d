import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from './client.ts'
import { endpoints } from './endpoints.ts'
import { openApi } from './openapi.ts'

type Node = { [key: string]: Node }
const document = JSON.parse(JSON.stringify(openApi())) as Node

function* nodes(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  yield value as Node
  for (const child of Object.values(value)) yield* nodes(child)
}

const operations = Object.entries(document.paths!).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

test('describes every method of the client', () => {
  const methods = Object.getOwnPropertyNames(Client.prototype).filter((name) => name !== 'constructor')
  const described = operations.map(({ operation }) => operation.operationId as unknown as string)
  assert.deepEqual(described.toSorted(), methods.toSorted())
  assert.equal(operations.length, Object.keys(endpoints).length)
})

test('refers only to what it defines', () => {
  const references = [...nodes(document)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref as string] : []))
  assert.ok(references.length > 100)
  for (const reference of references) {
    assert.match(reference, /^#\//)
    const target = reference
      .slice(2)
      .split('/')
      .reduce<Node | undefined>((node, step) => node?.[step], document)
    assert.ok(target, reference)
  }
})

test('declares every parameter of a path, and only those', () => {
  for (const { path, operation } of operations) {
    const parameters = (operation.parameters ?? []) as unknown as { name: string; in: string; required: boolean }[]
    const inPath = parameters.filter((parameter) => parameter.in === 'path')
    assert.deepEqual(
      inPath.map(({ name }) => `{${name}}`),
      path.match(/\{\w+\}/g) ?? [],
      path,
    )
    assert.ok(inPath.every(({ required }) => required))
  }
})

test('asks for a bearer key everywhere, and describes a refusal of each operation', () => {
  assert.deepEqual(document.security, [{ bearer: [] }])
  for (const { operation, path } of operations) {
    for (const status of ['200', '401', '403', '503', 'default']) assert.ok(operation.responses![status], path + status)
  }
})

test('says which body is optional in which field', () => {
  const { Materialize, ModelVersionRequest } = document.components!.schemas as unknown as Record<
    string,
    { required: string[]; additionalProperties?: unknown }
  >
  assert.deepEqual(Materialize!.required, ['view'])
  assert.equal(Materialize!.additionalProperties, undefined)
  assert.deepEqual(ModelVersionRequest!.required, ['name', 'predicts'])
})
