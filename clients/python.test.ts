// The Python client's own tests, where there is a Python.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

function noPython(): string | false {
  if (process.env.CI === 'true') return false
  const { status } = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'])
  return status === 0 ? false : 'Python 3.9 or newer is not installed'
}

test('python -m unittest in clients/python', { skip: noPython() }, () => {
  const { status, stderr } = spawnSync('python3', ['-m', 'unittest', 'discover', '--start-directory', 'tests'], {
    cwd: fileURLToPath(new URL('python', import.meta.url)),
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.match(stderr, /^Ran [1-9]\d* tests/m)
})
