// SPDX-License-Identifier: Apache-2.0

import { asParleyError } from '@parley/client'
import { isKey, t } from '../i18n/i18n.ts'
import { duration } from '../i18n/time.ts'
import { notify } from './notices.ts'

/** What went wrong, in the reader's language where the code says enough; else in the server's words. */
export function errorText(e: unknown): string {
  const error = asParleyError(e)
  const key = `error.${error.code}`
  if (error.retryAfter !== undefined && (error.code === 'rate_limited' || error.code === 'muted')) {
    return t(error.code === 'muted' ? 'error.muted.wait' : 'error.rate_limited.wait', {
      time: duration(roundUp(error.retryAfter)),
    })
  }
  const why = sentence(error.message)
  return isKey(key) ? t(key, { why }) : why
}

/** The server's words, without the name of the field that they begin with. */
export function sentence(message: string): string {
  const words = message.replace(/^\w+: /, '')
  if (!words) return ''
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.')
}

function roundUp(seconds: number): number {
  if (seconds < 60) return Math.max(1, Math.ceil(seconds))
  if (seconds < 3600) return Math.ceil(seconds / 60) * 60
  return Math.ceil(seconds / 3600) * 3600
}

/** For what is done in passing: tells of the failure at the lower edge. */
export function reportFailure(e: unknown): void {
  if (asParleyError(e).code !== 'aborted') notify(errorText(e), { error: true })
}
