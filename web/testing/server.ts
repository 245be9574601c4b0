// SPDX-License-Identifier: Apache-2.0

// The real server as a child process of a test, on free ports of this machine.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The program under test; see globalSetup in vitest.e2e.config.ts. */
function program(): string {
  const path = process.env.PARLEY_BIN
  if (!path) throw new Error('PARLEY_BIN is not set: run these tests with make e2e')
  return path
}

export interface SignedInUser {
  user: string
  token: string
}

export class Server {
  readonly dir = mkdtempSync(join(tmpdir(), 'parley-web-'))
  readonly passwords = new Map<string, string>() // of the demo's accounts
  /** Of the HTTP door, such as http://127.0.0.1:40123. */
  origin = ''
  readonly #args: string[]
  readonly #log: string[] = []
  #child: ChildProcess | undefined
  #address = '127.0.0.1:0'

  private constructor(args: string[]) {
    this.#args = args
  }

  /** Starts a server with demo content, and further arguments of `parley serve`. */
  static async start(...args: string[]): Promise<Server> {
    const s = new Server(args)
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
    const args = ['serve', '--demo', '--data', join(this.dir, 'data'), '--mqtt', 'off', '--http', this.#address]
    const child = spawn(program(), [...args, '--registration', 'open', '--rate-limit', '0', ...this.#args], {
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
    return execFileSync(program(), args, { encoding: 'utf8' })
  }

  async login(user: string): Promise<SignedInUser> {
    const answer = await fetch(`${this.origin}/api/v1/auth/login`, {
      method: 'POST',
      body: JSON.stringify({ user_id: user, password: this.passwords.get(user) }),
    })
    const { token } = (await answer.json()) as { token: string }
    return { user, token }
  }
}
