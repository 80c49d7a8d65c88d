// Patterns come from users and run on every event, and a backtracking matcher can take exponential time for a text that
// an outsider chose. So patterns are matched by a finite automaton, in time linear in the text, and what needs
// backtracking (back references, looking around) is refused. V8 checks the syntax and still decides what `\w`, `\p{L}`
// or `[^a-z]` match; only how the pieces follow one another is ours. Only whether a text matches is asked, so greedy
// and lazy quantifiers, and captures, are the same here.

/** Longer text (in UTF-16 code units) is never tested but counts as a mismatch. */
const longest = 65_536

/** A pattern may have this many steps after its `{n,m}` are written out. */
const mostSteps = 1000

/** Matching costs at most steps times length, so a pattern of many steps is held against shorter texts. */
const mostWork = 8_000_000

/** Automaton states remembered at once, and code points beyond ASCII; then remembering begins anew. */
const mostStates = 1000

/** A compiled pattern; text longer than `longest` (UTF-16 code units) it never matches. */
export interface Pattern {
  readonly longest: number
  readonly matches: (text: string) => boolean
}

/**
 * Compiles a pattern of ECMA-262 (flag `u`), found anywhere in the text unless it says `^` or `$`. Throws an Error
 * whose message continues "pattern …" when it is no pattern or cannot be matched in linear time.
 *
 * `compilePattern('^(\\w+\\s?)*$').matches('word '.repeat(10_000) + '!')` is `false` at once
 */
export function compilePattern(source: string): Pattern {
  try {
    RegExp(source, 'u')
  } catch (error) {
    throw new Error(`is no pattern: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  const program = new Program(source)
  const automaton = new Automaton(program)
  const most = Math.min(longest, Math.floor(mostWork / program.steps.length))
  return { longest: most, matches: (text) => text.length <= most && automaton.test(text) }
}

type Step =
  | { kind: 'atom'; atom: number; next: number }
  | { kind: 'split'; next: number; other: number }
  | { kind: 'start' | 'end'; next: number }
  | { kind: 'match' }

/** A piece whose end is open: given where to go on, it appends its steps and returns where it begins. */
type Piece = (next: number) => number

/** Thompson's construction: a pattern as steps, each of which goes on to one or two others. */
class Program {
  readonly steps: Step[] = [{ kind: 'match' }]
  readonly atoms: RegExp[] = []
  readonly first: number
  readonly looksAtEnd: boolean
  readonly #source: string
  readonly #atomOf = new Map<string, number>()
  #at = 0

  constructor(source: string) {
    this.#source = source
    this.first = this.#alternatives()(0)
    this.looksAtEnd = this.steps.some(({ kind }) => kind === 'end')
  }

  #add(step: Step): number {
    if (this.steps.length >= mostSteps) {
      throw new Error(`repeats too much: written out, it has more than ${mostSteps} steps; bound lengths by maxLength`)
    }
    return this.steps.push(step) - 1
  }

  #alternatives(): Piece {
    const choices = [this.#sequence()]
    while (this.#source[this.#at] === '|') {
      this.#at++
      choices.push(this.#sequence())
    }
    return choices.reduceRight((others, choice) => (next) => {
      return this.#add({ kind: 'split', next: choice(next), other: others(next) })
    })
  }

  #sequence(): Piece {
    const pieces: Piece[] = []
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] as string)) {
      pieces.push(this.#quantified(this.#term()))
    }
    return (next) => pieces.reduceRight((goOn, piece) => piece(goOn), next)
  }

  #quantified(piece: Piece): Piece {
    const rest = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.#source.slice(this.#at, this.#at + 40))
    if (!rest) return piece
    this.#at += rest[0].length
    const sign = rest[0][0]
    const least = sign === '+' ? 1 : Number(rest[1] ?? 0)
    const most = sign === '?' ? 1 : sign !== '{' || (rest[2] && !rest[3]) ? Infinity : Number(rest[3] || least)
    if (least > mostSteps || (most > mostSteps && most !== Infinity)) {
      throw new Error(`repeats a piece more than ${mostSteps} times; bound lengths by minLength and maxLength`)
    }
    return (next) => {
      let begin = next
      if (most === Infinity) begin = this.#loop(piece, next)
      else for (let n = least; n < most; n++) begin = this.#add({ kind: 'split', next: piece(begin), other: next })
      for (let n = 0; n < least; n++) begin = piece(begin)
      return begin
    }
  }

  #loop(piece: Piece, next: number): number {
    const split: Step = { kind: 'split', next, other: next }
    const at = this.#add(split)
    split.next = piece(at)
    return at
  }

  #term(): Piece {
    const source = this.#source
    const character = source[this.#at] as string
    if (character === '(') return this.#group()
    if (character === '^' || character === '$') {
      this.#at++
      const kind = character === '^' ? 'start' : 'end'
      return (next) => this.#add({ kind, next })
    }
    if (character === '\\') return this.#escape()
    if (character === '[') {
      let end = this.#at + 1
      while (source[end] !== ']') end += source[end] === '\\' ? 2 : 1
      return this.#atom(end + 1)
    }
    return this.#atom(this.#at + ((source.codePointAt(this.#at) as number) > 0xffff ? 2 : 1))
  }

  #group(): Piece {
    const opening = /^\((?:\?(?::|<[^=!][^>]*>))?/.exec(this.#source.slice(this.#at))?.[0] ?? '('
    this.#at += opening.length
    if (this.#source[this.#at] === '?') {
      throw new Error('looks around or sets flags (a group that begins with "(?"), which takes more than linear time')
    }
    const inside = this.#alternatives()
    this.#at++
    return inside
  }

  #escape(): Piece {
    const rest = this.#source.slice(this.#at)
    if (/^\\[1-9k]/.test(rest)) throw new Error('refers back to a group, which takes more than linear time')
    if (/^\\b/i.test(rest)) throw new Error('asks for a word boundary (\\b), which is not supported')
    const escape =
      /^\\(?:u\{[0-9a-f]+\}|u[dD][89abAB][0-9a-f]{2}\\u[dD][c-fC-F][0-9a-f]{2}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|p\{[^}]*\}|[^])/iu.exec(
        rest,
      )
    return this.#atom(this.#at + (escape?.[0].length ?? 2))
  }

  /** One character's worth of pattern, up to `end`. V8 says what it matches. */
  #atom(end: number): Piece {
    const text = this.#source.slice(this.#at, end)
    this.#at = end
    const known = this.#atomOf.get(text)
    const atom = known ?? this.atoms.push(new RegExp(`^${text}$`, 'u')) - 1
    this.#atomOf.set(text, atom)
    return (next) => this.#add({ kind: 'atom', atom, next })
  }
}

interface State {
  /** The atom steps that wait for the next character. */
  waiting: readonly number[]
  matched: boolean
  matchedAtEnd: boolean
  /** By symbol: where a character leads, once it was asked. */
  after: (State | undefined)[]
}

/** Runs a program by following all its ways at once, and remembers the sets of ways as states. */
class Automaton {
  readonly #program: Program
  readonly #seen: Uint8Array
  readonly #start: State
  readonly #states = new Map<string, State>()
  /** Characters that the same atoms match are one symbol. */
  readonly #symbols = new Map<string, number>()
  readonly #atomsOf: boolean[][] = []
  readonly #ascii = new Int32Array(128).fill(-1)
  readonly #beyond = new Map<number, number>()

  constructor(program: Program) {
    this.#program = program
    this.#seen = new Uint8Array(program.steps.length)
    this.#start = this.#state([program.first], true)
  }

  test(text: string): boolean {
    let state = this.#start
    for (let at = 0; at < text.length; at++) {
      if (state.matched) return true
      const unit = text.charCodeAt(at)
      let symbol = unit < 128 ? (this.#ascii[unit] as number) : -1
      if (symbol < 0) {
        const point = text.codePointAt(at) as number
        symbol = this.#symbol(point)
        if (point > 0xffff) at++
      }
      state = state.after[symbol] ?? this.#follow(state, symbol)
    }
    return state.matched || state.matchedAtEnd
  }

  #symbol(point: number): number {
    const known = this.#beyond.get(point)
    if (known !== undefined) return known
    const character = String.fromCodePoint(point)
    const matching = this.#program.atoms.map((atom) => atom.test(character))
    const key = matching.map(Number).join('')
    const symbol = this.#symbols.get(key) ?? this.#atomsOf.push(matching) - 1
    this.#symbols.set(key, symbol)
    if (point < 128) this.#ascii[point] = symbol
    else {
      if (this.#beyond.size >= mostStates) this.#beyond.clear()
      this.#beyond.set(point, symbol)
    }
    return symbol
  }

  #follow(state: State, symbol: number): State {
    const matching = this.#atomsOf[symbol] as boolean[]
    const seeds = [this.#program.first]
    for (const at of state.waiting) {
      const step = this.#program.steps[at] as Step
      if (step.kind === 'atom' && matching[step.atom]) seeds.push(step.next)
    }
    const next = this.#state(seeds, false)
    state.after[symbol] = next
    return next
  }

  #state(seeds: readonly number[], atStart: boolean): State {
    const { waiting, matched } = this.#reach(seeds, atStart, false)
    const matchedAtEnd = matched || (this.#program.looksAtEnd && this.#reach(seeds, atStart, true).matched)
    const key = String.fromCharCode(...waiting, mostSteps + Number(matched) + 2 * Number(matchedAtEnd))
    const known = this.#states.get(key)
    if (known) return known
    if (this.#states.size >= mostStates) {
      // States still refer to one another: forget what they know, so that memory stays bounded.
      for (const state of this.#states.values()) state.after = []
      this.#states.clear()
    }
    const state: State = { waiting, matched, matchedAtEnd, after: [] }
    this.#states.set(key, state)
    return state
  }

  /** All atoms reached without a character, in the order of their steps. */
  #reach(seeds: readonly number[], atStart: boolean, atEnd: boolean): { waiting: number[]; matched: boolean } {
    const { steps } = this.#program
    const seen = this.#seen.fill(0)
    const open = [...seeds]
    let matched = false
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen[at] !== 0) continue
      const step = steps[at] as Step
      seen[at] = step.kind === 'atom' ? 2 : 1
      if (step.kind === 'match') matched = true
      else if (step.kind === 'split') open.push(step.other, step.next)
      else if (step.kind === 'start' ? atStart : step.kind === 'end' && atEnd) open.push(step.next)
    }
    const waiting: number[] = []
    for (let at = 0; at < seen.length; at++) if (seen[at] === 2) waiting.push(at)
    return { waiting, matched }
  }
}
