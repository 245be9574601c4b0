// SPDX-License-Identifier: Apache-2.0

// Holds openapi.json and asyncapi.json of a server against the meta-schemas, with the validators that others use. Prints what is
// wrong, and fails then. Usage: node validate.mjs http://127.0.0.1:8080
import { Parser } from '@asyncapi/parser'
import { Validator } from '@seriousme/openapi-schema-validator'

const [server] = process.argv.slice(2)
const faults = []

async function read (name) {
  const response = await fetch(`${server}/api/v1/${name}`)
  if (!response.ok) throw new Error(`${name}: ${response.status}`)
  return response.text()
}

const openapi = await new Validator().validate(JSON.parse(await read('openapi.json')))
if (!openapi.valid) faults.push(...[openapi.errors].flat().map((e) => `openapi.json: ${JSON.stringify(e)}`))

const { document, diagnostics } = await new Parser().parse(await read('asyncapi.json'))
for (const d of diagnostics) {
  if (d.severity <= 1) faults.push(`asyncapi.json: ${d.path.join('/')}: ${d.message}`) // errors and warnings; newer versions are hints
}
if (!document) faults.push('asyncapi.json: could not be parsed')

for (const fault of faults.slice(0, 50)) console.log(fault)
if (faults.length > 0) process.exit(1)
console.log(`valid: OpenAPI ${openapi.specification?.openapi ?? '3.1'}, ${document.operations().length} operations of AsyncAPI ${document.version()}`)
