// SPDX-License-Identifier: Apache-2.0

import type { IConnackPacket, IPublishPacket, MqttClient } from 'mqtt'
import { asParleyError, ParleyError } from './error.ts'
import { randomId } from './random.ts'

type Connect = typeof import('mqtt').connect

export interface ConnectionOptions {
  url: string
  user: string
  token: () => string | Promise<string>
  connect?: Connect
}

/** What a Connection tells. */
export interface ConnectionPorts {
  /** Connected and subscribed. */
  up(link: Link): void
  /** Lost, or not to be had; it tries again by itself. */
  down(error: ParleyError): void
  /** Refused for good. */
  refused(error: ParleyError): void
  delivery(payload: Uint8Array): void
  reply(payload: Uint8Array, correlation: Uint8Array | undefined): void
}

/** One connection to the server, from its acceptance to its end. */
export interface Link {
  mqtt: MqttClient
  /** The server's Maximum Packet Size, in bytes. */
  maxPacket: number
  /** How many requests may be on their way at a time. */
  window: number
}

// Milliseconds.
const dialLimit = 10_000
const firstPause = 500
const maxPause = 30_000
const beatEvery = 10_000
const silence = 15_000 // after which a sign of life is asked for; it has to come before the next beat
const probeLimit = 5_000

// Seconds. Timers of pages in the background run once a minute.
const keepAlive = 60

/** The greatest packet that is taken; pages of the server are smaller. */
const maxPacket = 1 << 20

/** Connects, and again whenever the connection is lost. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #ports: ConnectionPorts
  readonly #filter: string
  readonly #replies: string
  #mqtt: MqttClient | undefined
  #attempt = 0 // failures in a row
  #generation = 0 // of the present attempt; what belongs to former ones is not listened to
  #pause: ReturnType<typeof setTimeout> | undefined
  #beat: ReturnType<typeof setInterval> | undefined
  #heard = 0 // when the last packet came
  #asked = false // for a sign of life that has not come yet
  #probe: ReturnType<typeof setTimeout> | undefined
  #up = false
  #ended = false
  #quiet: (() => void)[] = []

  constructor(options: ConnectionOptions, ports: ConnectionPorts) {
    this.#options = options
    this.#ports = ports
    this.#filter = `chat/user/${options.user}/#`
    this.#replies = repliesOf(options.user)
  }

  start(): void {
    this.#watchPage()
    void this.#dial()
  }

  async close(): Promise<void> {
    const mqtt = this.#end()
    if (!mqtt) return
    await new Promise<void>(done => {
      const limit = setTimeout(done, 1000)
      // Says DISCONNECT; what is unanswered is not waited for.
      mqtt.end(!mqtt.connected, {}, () => {
        clearTimeout(limit)
        done()
      })
    })
  }

  /** Looks whether the connection is alive, or makes one at once. */
  nudge(): void {
    if (this.#ended) return
    if (this.#pause !== undefined) {
      clearTimeout(this.#pause)
      this.#attempt = 0
      void this.#dial()
    } else if (this.#up && this.#mqtt && this.#probe === undefined) {
      this.#ask(this.#mqtt)
      this.#probe = setTimeout(() => {
        this.#probe = undefined
        this.#dropSilent()
      }, probeLimit)
    }
  }

  /** Gives the connection up as lost. */
  drop(error: ParleyError): void {
    if (!this.#ended) this.#lost(error)
  }

  async #dial(): Promise<void> {
    this.#pause = undefined
    const generation = ++this.#generation
    const current = () => generation === this.#generation && !this.#ended
    let connect: Connect
    let token: string
    try {
      connect = this.#options.connect ?? (await load())
      token = await this.#options.token()
    } catch (e) {
      if (!current()) return
      const error = asParleyError(e)
      if (error.code === 'unauthenticated') this.#refuse(error)
      else this.#lost(error)
      return
    }
    if (!current()) return
    const mqtt = connect(this.#options.url, {
      protocolVersion: 5,
      clientId: `ts-${randomId()}`,
      clean: true,
      username: this.#options.user,
      password: token,
      keepalive: keepAlive,
      connectTimeout: dialLimit,
      reconnectPeriod: 0, // each connection is a new MqttClient; what was not answered is asked again
      resubscribe: false,
      queueQoSZero: false,
      timerVariant: 'native', // the other one needs a worker from a blob, which a Content Security Policy forbids
      properties: { maximumPacketSize: maxPacket, receiveMaximum: 256, requestProblemInformation: true },
    })
    this.#mqtt = mqtt
    let why: ParleyError | undefined
    mqtt.on('error', e => {
      if (!current()) return
      const refusal = refusalOf(e)
      if (refusal) this.#refuse(refusal)
      else why ??= new ParleyError('offline', e.message || 'the server cannot be reached')
    })
    mqtt.on('disconnect', packet => {
      why ??= new ParleyError(
        packet.reasonCode === 0x98 ? 'banned' : 'offline',
        packet.properties?.reasonString ?? `the server ended the connection (${packet.reasonCode})`,
      )
    })
    mqtt.on('close', () => {
      if (current()) this.#lost(why ?? new ParleyError('offline', 'the connection was lost'))
    })
    mqtt.on('packetreceive', () => {
      if (!current()) return
      this.#heard = Date.now()
      this.#asked = false
    })
    mqtt.on('message', (topic, payload, packet) => {
      if (current()) this.#received(topic, payload, packet)
    })
    mqtt.on('connect', ack => {
      if (!current()) return
      // QoS 0: what a lost connection or a full queue leaves out is read from the logs.
      mqtt.subscribe(this.#filter, { qos: 0 }, error => {
        if (!current()) return
        if (error) {
          this.#lost(new ParleyError('offline', `subscribing: ${error.message}`))
          return
        }
        this.#attempt = 0
        this.#up = true
        this.#heard = Date.now()
        this.#asked = false
        this.#beat = setInterval(() => this.#checkBeat(), beatEvery)
        this.#ports.up(linkOf(mqtt, ack))
      })
    })
  }

  #received(topic: string, payload: Uint8Array, packet: IPublishPacket): void {
    if (topic === this.#replies) this.#ports.reply(payload, packet.properties?.correlationData)
    else this.#ports.delivery(payload)
  }

  /** Asks for a sign of life where none came for a while. */
  #checkBeat(): void {
    if (this.#probe !== undefined || !this.#mqtt) return
    if (this.#asked) this.#dropSilent()
    else if (Date.now() - this.#heard >= silence) this.#ask(this.#mqtt)
  }

  #ask(mqtt: MqttClient): void {
    this.#asked = true
    mqtt.sendPing()
  }

  #dropSilent(): void {
    if (this.#up && this.#asked) this.drop(new ParleyError('offline', 'the server does not answer'))
  }

  #lost(error: ParleyError): void {
    const mqtt = this.#leave()
    mqtt?.end(true)
    // Between half of it and all of it, so that not everybody returns at the same moment.
    const pause = Math.min(firstPause * 2 ** Math.min(this.#attempt++, 10), maxPause) * (0.5 + Math.random() / 2)
    this.#pause = setTimeout(() => void this.#dial(), pause)
    this.#ports.down(error)
  }

  #refuse(error: ParleyError): void {
    this.#end()?.end(true)
    this.#ports.refused(error)
  }

  #end(): MqttClient | undefined {
    this.#ended = true
    for (const stop of this.#quiet.splice(0)) stop()
    return this.#leave()
  }

  /** Lets the present connection go. */
  #leave(): MqttClient | undefined {
    this.#generation++
    this.#up = false
    clearTimeout(this.#pause)
    clearTimeout(this.#probe)
    clearInterval(this.#beat)
    this.#pause = this.#probe = this.#beat = undefined
    const mqtt = this.#mqtt
    this.#mqtt = undefined
    return mqtt
  }

  /** A page that is looked at again, or whose network has changed, does not wait. */
  #watchPage(): void {
    if (typeof window === 'undefined' || typeof document === 'undefined') return
    const nudge = () => this.nudge()
    const visible = () => {
      if (document.visibilityState === 'visible') this.nudge()
    }
    window.addEventListener('online', nudge)
    window.addEventListener('offline', nudge)
    window.addEventListener('pageshow', nudge)
    document.addEventListener('visibilitychange', visible)
    this.#quiet.push(
      () => window.removeEventListener('online', nudge),
      () => window.removeEventListener('offline', nudge),
      () => window.removeEventListener('pageshow', nudge),
      () => document.removeEventListener('visibilitychange', visible),
    )
  }
}

export function repliesOf(user: string): string {
  return `chat/user/${user}/replies`
}

async function load(): Promise<Connect> {
  const mqtt = await import('mqtt')
  return mqtt.connect ?? mqtt.default.connect
}

function linkOf(mqtt: MqttClient, ack: IConnackPacket): Link {
  return {
    mqtt,
    maxPacket: ack.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    window: Math.min(ack.properties?.receiveMaximum ?? 64, 64),
  }
}

/** The error of a CONNECT that will not be accepted later either. */
function refusalOf(e: Error & { code?: number | string }): ParleyError | undefined {
  switch (e.code) {
    case 0x84:
    case 0x85:
    case 0x86:
    case 0x87:
    case 0x8c:
      return new ParleyError(
        'unauthenticated',
        'the name and the token do not match, or the token is not valid any more',
      )
    case 0x8a:
      return new ParleyError('banned', 'the account is banned from this server')
  }
}
