// A program that emits, and ends in one of several ways: node emitter-child.ts URL KEY SPOOL NAME FROM COUNT END
import { createEmitter } from '@whence/sdk/emitter'

const [url, key, spool, name, from, count, end] = process.argv.slice(2) as [string, string, string, ...string[]]
const emitter = createEmitter({
  url,
  key,
  spool,
  every: 20,
  keepEvery: 5,
  retry: { first: 10, longest: 50 },
  onProblem() {},
})
for (let i = 0; i < Number(count); i++) {
  const id = `${name}-${Number(from) + i}`
  emitter.emit('visits', { id, customer: 'c-1', time: '2026-03-01T10:00:00Z' })
}
console.log('emitted')
if (end === 'exit') process.exit(0)
if (end === 'throw') throw new Error('the program fails')
if (end === 'stay') {
  setTimeout(() => console.log('ready'), 150)
  setInterval(() => {}, 1000)
}
