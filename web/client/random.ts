// SPDX-License-Identifier: Apache-2.0

/** 120 random bits as 20 letters and digits of base64url. crypto.randomUUID is not there on pages over plain HTTP. */
export function randomId(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), b => letters[b & 63]).join('')
}
