// SPDX-License-Identifier: Apache-2.0

// Package auth proves who is calling.
//
// An [Authenticator] takes what a caller shows, as [Credentials], and answers with an [Identity] or with a refusal of
// package chat. A caller shows
//
//   - a user name and the account's password,
//   - a user name and an access token in the password's place, or
//   - an access token alone.
//
// A string that has the shape of a token is a token, never a password; such passwords cannot be set.
//
// [Passwords] hashes with argon2id, a few at a time: each hash takes tens of megabytes and tens of milliseconds of one
// core. What was verified is remembered for some minutes as a keyed digest, in memory only, so that clients that come
// back do not cost a hash each. [Tokens] issues and verifies signed tokens, which cost microseconds. A token is void as
// soon as its account's generation has moved on.
//
// Wrong passwords are counted per account and address, per address and per account: see [Limits].
//
// No error of this package contains a password or a token, or a part of one.
package auth
