// SPDX-License-Identifier: Apache-2.0

import { connect, createServer, type Server, type Socket } from 'node:net'

/** A wire to a server that a test can cut and mend, or let fall silent. */
export class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: () => URL
  #cut = false
  #silent = false
  #passed = 0
  #limit = Number.POSITIVE_INFINITY

  private constructor(target: () => URL) {
    this.#target = target
    this.#server = createServer(client => this.#join(client))
  }

  /** target is asked at each connection. */
  static async to(target: () => string): Promise<Wire> {
    const w = new Wire(() => new URL(target()))
    await new Promise<void>(done => w.#server.listen(0, '127.0.0.1', done))
    return w
  }

  get host(): string {
    const a = this.#server.address()
    if (a === null || typeof a === 'string') throw new Error('the wire is closed')
    return `127.0.0.1:${a.port}`
  }

  /** Ends all connections and takes no new ones. */
  cut(): void {
    this.#cut = true
    for (const s of this.#sockets) s.destroy()
  }

  /** Loses all bytes, without ending a connection. */
  silence(): void {
    this.#silent = true
  }

  /** Ends the connections once that many bytes more went to the server. */
  cutAfter(bytes: number): void {
    this.#passed = 0
    this.#limit = bytes
  }

  mend(): void {
    this.#cut = this.#silent = false
    this.#limit = Number.POSITIVE_INFINITY
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(done => this.#server.close(done))
  }

  #join(client: Socket): void {
    if (this.#cut) {
      client.destroy()
      return
    }
    const { hostname, port } = this.#target()
    const server = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from)
      from.on('data', data => {
        if (from === client) this.#passed += data.length
        if (this.#passed > this.#limit) {
          this.#limit = Number.POSITIVE_INFINITY
          client.destroy()
          return
        }
        if (!this.#silent) to.write(data)
      })
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
  }
}
