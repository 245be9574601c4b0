// SPDX-License-Identifier: Apache-2.0
//
// A client of MQTT.js for the end-to-end tests:
//
//   node client.mjs send TOPIC      publishes each line of the standard input
//                                   at QoS 1, prints "acknowledged N"
//   node client.mjs listen FILTER   persistent session; prints "subscribed",
//                                   then "payload TEXT" for each message;
//                                   disconnects when the standard input ends
//
// Where and as whom to connect is in the environment: MQTT_URL, MQTT_VERSION
// (4 or 5), MQTT_USER, MQTT_PASSWORD, MQTT_CLIENT_ID, MQTT_EXPIRY (seconds).

import { createInterface } from 'node:readline'
import mqtt from 'mqtt'

const [mode, topic] = process.argv.slice(2)
const { MQTT_URL, MQTT_VERSION, MQTT_USER, MQTT_PASSWORD, MQTT_CLIENT_ID, MQTT_EXPIRY } = process.env

function fail(error) {
  console.error(`client.mjs ${mode}: ${error.message}`)
  process.exit(1)
}

function connect(persistent) {
  const protocolVersion = Number(MQTT_VERSION)
  const options = {
    protocolVersion,
    clientId: MQTT_CLIENT_ID,
    username: MQTT_USER,
    password: MQTT_PASSWORD,
    clean: !persistent,
    reconnectPeriod: 0,
    // The session's filters are subscribed explicitly, as a user would.
    resubscribe: false,
  }
  if (persistent && protocolVersion === 5) {
    options.properties = { sessionExpiryInterval: Number(MQTT_EXPIRY) }
  }
  const client = mqtt.connect(MQTT_URL, options)
  client.on('error', fail)
  client.on('disconnect', (packet) => fail(new Error(`the server disconnected, reason ${packet.reasonCode}`)))
  return client
}

async function send() {
  const client = connect(false)
  const acknowledged = []
  for await (const line of createInterface({ input: process.stdin })) {
    acknowledged.push(client.publishAsync(topic, line, { qos: 1 }))
  }
  await Promise.all(acknowledged)
  await client.endAsync()
  console.log(`acknowledged ${acknowledged.length}`)
}

async function listen() {
  const client = connect(true)
  // The server may send what was missed before the SUBACK.
  client.on('message', (_, payload) => console.log(`payload ${payload}`))
  let leaving = false
  client.on('close', () => {
    if (!leaving) fail(new Error('the connection ended'))
  })
  const [granted] = await client.subscribeAsync(topic, { qos: 1 })
  if (granted?.qos !== 1) throw new Error(`granted ${JSON.stringify(granted)}, asked for QoS 1`)
  console.log('subscribed')
  process.stdin.resume()
  await new Promise((resolve) => process.stdin.on('end', resolve))
  leaving = true
  await client.endAsync()
}

await { send, listen }[mode]().catch(fail)
