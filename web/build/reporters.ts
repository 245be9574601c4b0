// SPDX-License-Identifier: Apache-2.0

/** How tests are told of: to who looks, and to the file that VITEST_NUMBERS names, where somebody counts. */
export function reporters(name: 'default' | 'verbose'): (string | [string, { outputFile: string }])[] {
  const file = process.env.VITEST_NUMBERS
  return file ? [name, ['json', { outputFile: file }]] : [name]
}
