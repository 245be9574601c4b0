// SPDX-License-Identifier: Apache-2.0

// Package search says what the words of a text are, what a query asks for, and whether a text answers it.
//
// The words are the same for texts and queries: without case, accents and width ("Ärger", "ＡＲＧＥＲ" and "arger" are one
// word). In scripts written without spaces between words (Chinese, Japanese, Thai, …), and in Korean, each character is a
// word, so that any part of a text is found by characters that follow each other. Emoji and other symbols are words too.
//
// An index needs Terms of each text and gives candidates for Query.Expression. Whether a candidate is a hit is decided by
// Query.Match on its present text; so an index may know less than a text (it need not know the order of words), and what
// it still knows of a text that has changed does no harm.
package search
