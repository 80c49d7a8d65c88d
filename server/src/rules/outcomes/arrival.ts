// A request, read as providers mean it: JSON, or a form.
import { Fault } from '../../fault.ts'
import { jsonOf } from './payload.ts'
import type { Arrival } from './provider.ts'

/** Fields of a form, at most. */
const MOST_FIELDS = 2000

/** Throws `invalid` for a form that cannot be read. */
export async function arrivalOf(
  header: (name: string) => string | undefined,
  body: Uint8Array,
  url?: string,
): Promise<Arrival> {
  const type = (header('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
  let parsed: { value: unknown } | undefined
  return {
    header,
    body,
    url,
    form: await formOf(type, header('content-type') ?? '', body),
    json: () => (parsed ??= { value: jsonOf(body) }).value,
  }
}

async function formOf(type: string, contentType: string, body: Uint8Array): Promise<Map<string, string[]>> {
  const fields = new Map<string, string[]>()
  const add = (name: string, value: string): void => {
    const values = fields.get(name)
    if (values) values.push(value)
    else if (fields.size < MOST_FIELDS) fields.set(name, [value])
    else throw new Fault('invalid', `the form has more than ${MOST_FIELDS} fields`)
  }
  if (type === 'multipart/form-data') {
    let form: FormData
    try {
      form = await new Response(body as Uint8Array<ArrayBuffer>, {
        headers: { 'content-type': contentType },
      }).formData()
    } catch (cause) {
      throw new Fault('invalid', 'the body is no form', { cause })
    }
    for (const [name, value] of form) if (typeof value === 'string') add(name, value)
  } else if (type === 'application/x-www-form-urlencoded')
    for (const [name, value] of new URLSearchParams(Buffer.from(body).toString('utf8'))) add(name, value)
  return fields
}
