// SPDX-License-Identifier: Apache-2.0

// Package content decides what a text written by a user must pass before it is
// stored: it is valid text, short enough, not shouted, without words that the
// operator does not want, and without links to hosts that the operator suspects.
//
//	lists, err := content.LoadDir(os.DirFS(dir)) // or content.DefaultLists()
//	matcher, err := lists.Compile()              // every language
//	rules, err := content.New(policy, matcher)
//	verdict, err := rules.Message(text)          // or rules.Text, rules.Name
//
// # Rules
//
// [Rules] is immutable and safe for concurrent use. To change a policy or the
// word lists while the server runs, build new Rules and swap the pointer
// (atomic.Pointer[Rules]).
//
// A text comes back trimmed, in Unicode normalisation form C and with "\n" as
// its only line break. It is refused when nothing visible is left, when it has
// more code points than allowed, when it is no valid UTF-8, and when it holds
// control characters or noncharacters; tab and line break are allowed. The nine
// characters that switch the writing direction (U+202A–U+202E, U+2066–U+2069) are
// removed, because pasted telephone numbers carry them and an unbalanced one turns
// the text around it. Joiners and direction marks stay. A name is one line, with
// single spaces, and without any invisible character but the joiners.
//
// A refusal is an [*Error]. Its message does not name the field, so that the
// caller can: "content: " + err.Message.
//
// # Caps
//
// A text shouts when it has ten or more cased letters and more than 70 % of them
// are capitals. Scripts without case do not count. Names are not judged.
//
// # Links
//
// Hosts are parsed out of the text as a browser would parse them: user
// information, port, percent encoding, punycode, full-width dots and the odd
// spellings of IPv4 addresses do not hide one. A link is what a client makes
// clickable: scheme://host, www.host and a bare host.name. A mail address is not
// a link. The target of a redirect inside the path of a link with a scheme is not
// a link of its own. A host is suspicious when it is on the list or below a listed one. No list
// of top-level domains is needed, since only listed hosts matter.
//
// # Words
//
// Word lists are text files, one for each language, in a format that [Parse]
// describes. A [Matcher] compares whole words. Before that it undoes what people
// do to hide a word:
//
//   - case, full-width and other compatibility forms, combining marks;
//
//   - letters of other scripts that look Latin, in a word that has Latin letters too;
//
//   - digits and signs that look like letters (0 to 9, @ $ ! | € ¢);
//
//   - characters of no width;
//
//   - a letter repeated three times or more;
//
//   - single letters set apart by up to three spaces or signs ("x.y.z", "x y z").
//
//   - up to three marks inside a word of four letters or more ("xx_xx", "x.xxx", "xx**xx"),
//     where the word begins with a part and ends with one, but for an ending ("xx_xxing").
//
// It does not join words over spaces, quotes and brackets, so "hot water" has no hit. An
// accent in a list entry is demanded of the text; an accent in the text alone
// is ignored. A word of digits is a number: digits count as letters only where they are
// at most half of the hit, and in entries of up to three letters only as vowels. Texts
// should be in form C, as Rules make them.
//
// Masking replaces every code point of the word by an asterisk and nothing else. Masking
// a masked text changes nothing. Time is linear in the length of the text.
package content
