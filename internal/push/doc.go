// SPDX-License-Identifier: Apache-2.0

// Package push sends notifications to people who are away: by Web Push to browsers and phones, by UnifiedPush, and by webhooks.
//
// Who is notified of what is decided by package chat, whose store keeps the queue: what waits survives the process. A Sender
// asks it each second, takes what is due with a lease, and says what became of it. It knows how to speak to the other side:
// encryption and VAPID (RFC 8291, 8292), signatures after the Standard Webhooks convention, when to try again, and which
// addresses are never called.
package push
