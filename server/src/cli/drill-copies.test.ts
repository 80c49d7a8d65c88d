import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { makeCopy, sweepCopies } from './drill-copies.ts'

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whence-copies-'))
})
after(() => rm(folder, { recursive: true, force: true }))

test('a copy of a drill that goes on is kept, and one whose drill was killed is removed', async () => {
  const mine = await makeCopy(folder)
  const killed = join(folder, 'whence-drill-killed')
  await mkdir(join(killed, 'keys'), { recursive: true })
  await writeFile(join(killed, 'keys', 'kek'), 'secret')
  // No process has this number: it is beyond what Linux gives.
  await writeFile(join(killed, 'lock'), JSON.stringify({ pid: 2 ** 30, started: '1' }))
  assert.equal(await sweepCopies(folder), 1)
  assert.deepEqual(await readdir(folder), [mine.path.slice(folder.length + 1)])
  await mine.remove()
  assert.deepEqual(await readdir(folder), [])
})

test('a folder without a lock is that of a drill that begins, for an hour', async () => {
  const beginning = join(folder, 'whence-drill-beginning')
  await mkdir(beginning)
  assert.equal(await sweepCopies(folder), 0)
  assert.equal(await sweepCopies(folder, Date.now() + 2 * 3_600_000), 1)
})

test('nothing else is touched, and no folder is no copy', async () => {
  await mkdir(join(folder, 'mine'))
  await writeFile(join(folder, 'whence-drill-file'), '')
  assert.equal(await sweepCopies(folder, Date.now() + 2 * 3_600_000), 0)
  assert.deepEqual((await readdir(folder)).toSorted(), ['mine', 'whence-drill-file'])
  assert.equal(await sweepCopies(join(folder, 'absent')), 0)
})

test('two that sweep at once, and make copies meanwhile, take none from each other', async () => {
  for (let n = 0; n < 5; n++) {
    const killed = join(folder, `whence-drill-killed-${n}`)
    await mkdir(killed)
    await writeFile(join(killed, 'lock'), JSON.stringify({ pid: 2 ** 30, started: '1' }))
  }
  const [one, , , other] = await Promise.all([
    makeCopy(folder),
    sweepCopies(folder),
    sweepCopies(folder),
    makeCopy(folder),
  ])
  const left = (await readdir(folder)).filter(
    (name) => name.startsWith('whence-drill-') && name !== 'whence-drill-file',
  )
  assert.deepEqual(left.map((name) => join(folder, name)).toSorted(), [one.path, other.path].toSorted())
  await one.remove()
  await other.remove()
})
