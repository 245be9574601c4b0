// SPDX-License-Identifier: Apache-2.0

// The real server as a child process of a test, on free ports of this machine.

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { login, post } from '../client/auth.ts'

/** The program under test; see globalSetup in vitest.e2e.config.ts. */
function program(): string {
  const path = process.env.PARLEY_BIN
  if (!path) throw new Error('PARLEY_BIN is not set: run these tests with make e2e')
  return path
}

/** Builds the program into a directory without the web client, as `make build` does it where there is no Node. */
export async function plainProgram(dir: string): Promise<string> {
  const path = join(dir, 'parley')
  const hidden = join(dir, 'hidden.json')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  writeFileSync(hidden, JSON.stringify({ Replace: { [join(root, 'web/dist/index.html')]: '' } }))
  await promisify(execFile)('go', ['build', '-overlay', hidden, '-o', path, './cmd/parley'], { cwd: root })
  return path
}

export interface SignedInUser {
  user: string
  token: string
  expires: number // Unix seconds
}

export class Server {
  readonly dir = mkdtempSync(join(tmpdir(), 'parley-web-'))
  readonly passwords = new Map<string, string>() // of the demo's accounts
  /** Of the HTTP door, such as http://127.0.0.1:40123. */
  origin = ''
  readonly #program: string
  readonly #args: string[]
  readonly #log: string[] = []
  #child: ChildProcess | undefined
  #address = '127.0.0.1:0'

  private constructor(path: string, args: string[]) {
    this.#program = path
    this.#args = args
  }

  /** Starts a server with demo content, and further arguments of `parley serve`. */
  static start(...args: string[]): Promise<Server> {
    return Server.of(program(), '--demo', '--registration', 'open', ...args)
  }

  /** Starts that program, as it comes: without content, and with the first administrator still to be made. */
  static async of(path = program(), ...args: string[]): Promise<Server> {
    const s = new Server(path, args)
    await s.#run()
    return s
  }

  /** Starts a server that has what is in an archive, which write makes at the path that it is given. */
  static async with(write: (archive: string) => void): Promise<Server> {
    const s = new Server(program(), [])
    const archive = join(s.dir, 'archive.jsonl')
    write(archive)
    s.command('import', archive)
    await s.#run()
    return s
  }

  get mqtt(): string {
    return `${this.origin.replace('http', 'ws')}/mqtt`
  }

  /** What the server has said, for the message of a test that failed. */
  get log(): string {
    return this.#log.join('\n')
  }

  async #run(): Promise<void> {
    const args = ['serve', '--data', join(this.dir, 'data'), '--mqtt', 'off', '--http', this.#address]
    const child = spawn(this.#program, [...args, '--rate-limit', '0', ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const listening = new Promise<string>((found, failed) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream as NodeJS.ReadableStream }).on('line', line => {
          this.#log.push(line)
          const account = /^ {2}(\S+) +(\S+) +(?:administrator|user)$/.exec(line)
          if (account?.[1] && account[2]) this.passwords.set(account[1], account[2])
          const door = /^http +(http:\/\/\S+)/.exec(line)
          if (door?.[1]) found(door[1])
        })
      }
      child.once('exit', code => failed(new Error(`parley ended with ${code}:\n${this.log}`)))
    })
    this.origin = await listening
    this.#address = new URL(this.origin).host
    await this.#ready()
  }

  /** The link with which the first administrator is made. */
  get setupLink(): string {
    const link = /http\S+\/setup#\S+/.exec(this.log)?.[0]
    if (!link) throw new Error(`the server printed no link:\n${this.log}`)
    return link
  }

  /** Waits until requests are answered. */
  async #ready(): Promise<void> {
    for (;;) {
      const answer = await fetch(`${this.origin}/readyz`).catch(() => undefined)
      if (answer?.ok) return
      await new Promise(done => setTimeout(done, 20))
    }
  }

  /** Ends it without a chance to say or write anything. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Starts it again, at the same address, with the same data. */
  async restart(): Promise<void> {
    await this.#run()
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null) return
    const ended = new Promise(done => child.once('exit', done))
    child.kill(signal)
    await ended
  }

  /** Runs another command of the program on this server's data. */
  command(...args: string[]): string {
    return execFileSync(this.#program, [...args, '--data', join(this.dir, 'data')], { encoding: 'utf8' })
  }

  /** Asks a route over HTTP. */
  async ask<T>(as: SignedInUser, route: string, body: object = {}): Promise<T> {
    return post<T>(this.origin, route, body, as.token)
  }

  /** Signs somebody in whose password is known. What is returned is what the page keeps of it, too. */
  async login(user: string): Promise<SignedInUser> {
    const { token, expires } = await login(this.origin, user, this.passwords.get(user) ?? '')
    return { user, token, expires }
  }

  /** The same for somebody without a password. */
  token(user: string): SignedInUser {
    return { user, token: this.command('token', '--ttl', '24h', user).trim(), expires: Date.now() / 1000 + 3600 }
  }
}
