// Online features over HTTP: lists in an address, or in a body.
import { OnlineRequest } from '@whence/sdk'
import { Fault } from '../fault.ts'
import type { Online } from '../path/features/online.ts'
import type { Handlers } from './handlers.ts'

export function onlineHandlers({ online }: { online: Online }): Pick<Handlers, 'online' | 'onlineMany'> {
  return {
    online({ query: { views, entities, subjects, ...rest } }) {
      const request = OnlineRequest.safeParse({
        ...rest,
        views: listed(views),
        ...(entities === undefined ? {} : { entities: listed(entities) }),
        ...(subjects === undefined ? {} : { subjects: listed(subjects) }),
      })
      if (request.success) return online.read(request.data)
      const lines = request.error.issues.slice(0, 5).map(({ path, message }) => `/${path.join('/')}: ${message}`)
      throw new Fault('invalid', `the query is not as it should be. ${lines.join('; ')}`)
    },
    onlineMany: ({ body }) => online.read(body),
  }
}

/** What stands between the commas. Two commas with nothing between them name somebody without a name: refused. */
function listed(text: string): string[] {
  return text.split(',')
}
