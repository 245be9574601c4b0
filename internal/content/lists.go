// SPDX-License-Identifier: Apache-2.0

package content

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

//go:embed words/*.txt
var embedded embed.FS

// Lists are word lists by language. They are immutable.
type Lists struct {
	languages map[string][]entry
}

// entry is one line of a word list.
type entry struct {
	letters       []rune // as Matcher compares them, a space between words
	allow         bool   // "!word"
	before, after bool   // "*word", "word*": there may be more of the word
	literal       bool   // has digits, which are then meant as such
}

// DefaultLists returns the lists that are part of the program.
func DefaultLists() *Lists {
	dir, err := fs.Sub(embedded, "words")
	if err != nil {
		panic(err) // the path is constant
	}
	l, err := LoadDir(dir)
	if err != nil {
		panic(err) // a test reads them
	}
	return l
}

// LoadDir reads every file of the directory named LANGUAGE.txt, and ignores others. Errors name
// file and line. A directory without a list is an error, since an operator who
// names one wants something filtered.
func LoadDir(dir fs.FS) (*Lists, error) {
	names, err := fs.Glob(dir, "*.txt")
	if err != nil {
		return nil, fmt.Errorf("word lists: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("word lists: no file named LANGUAGE.txt in the directory")
	}
	l := &Lists{languages: make(map[string][]entry, len(names))}
	for _, n := range names {
		data, err := fs.ReadFile(dir, n)
		if err != nil {
			return nil, fmt.Errorf("word lists: %w", err)
		}
		entries, err := parse(n, data)
		if err != nil {
			return nil, fmt.Errorf("word lists: %w", err)
		}
		l.languages[strings.TrimSuffix(path.Base(n), ".txt")] = entries
	}
	return l, nil
}

// Parse makes Lists of one language from text in the format of the files. One entry a
// line; "#" begins a comment.
//
//	word      the word alone
//	word*     words that begin with it
//	*word     words that end with it
//	*word*    words that have it anywhere
//	two words a phrase
//	!word     a word that is never a hit, whatever else says so; also with asterisks
//
// Case does not matter. Disguises are found by themselves, from four letters on also marks
// inside the word ("fu_ck"; "!put a" says that "put_a" is none): entries are plain words of
// two letters or more. In scripts written without spaces an entry matches anywhere, and
// may be one character. An entry with accents matches only texts with them; list both
// spellings where both are in use. A digit in an entry is that digit.
func Parse(language, text string) (*Lists, error) {
	entries, err := parse(language, []byte(text))
	if err != nil {
		return nil, fmt.Errorf("word lists: %w", err)
	}
	return &Lists{languages: map[string][]entry{language: entries}}, nil
}

// Languages are the names of the lists, sorted.
func (l *Lists) Languages() []string {
	return slices.Sorted(maps.Keys(l.languages))
}

// Compile makes a Matcher of the lists of the languages named, or of all.
func (l *Lists) Compile(languages ...string) (*Matcher, error) {
	if len(languages) == 0 {
		languages = l.Languages()
	}
	m := newMatcher()
	for _, lang := range languages {
		entries, ok := l.languages[lang]
		if !ok {
			return nil, fmt.Errorf("word lists: no list for language %q, there are %s", lang, strings.Join(l.Languages(), ", "))
		}
		for _, e := range entries {
			m.add(e)
		}
	}
	m.index()
	return m, nil
}

// parse reads one list; name is for errors.
func parse(name string, data []byte) ([]entry, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: is not valid UTF-8", name)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var entries []entry
	sc := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; sc.Scan(); n++ {
		line, _, _ := strings.Cut(sc.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		e, err := parseEntry(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: entry %q: %w", name, n, line, err)
		}
		entries = append(entries, e)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return entries, nil
}

const (
	maxEntry  = 64 // letters
	maxRepeat = 3  // times the same letter
)

func parseEntry(line string) (entry, error) {
	var e entry
	word, allow := strings.CutPrefix(line, "!")
	e.allow = allow
	word, e.after = strings.CutSuffix(strings.TrimSpace(word), "*")
	word, e.before = strings.CutPrefix(word, "*")
	var d reader
	d.read(norm.NFC.String(word))
	if strings.Contains(word, "*") {
		return e, fmt.Errorf("an asterisk may stand only at the beginning or the end")
	}
	unspaced := false
	for i, t := range d.tokens {
		if i > 0 && !t.unspaced && !d.tokens[i-1].unspaced {
			e.letters = append(e.letters, ' ')
		}
		unspaced = unspaced || t.unspaced
		for _, u := range d.units[t.start:t.end] {
			if u.kind == sign {
				return e, fmt.Errorf("write plain letters, look-alikes are found by themselves")
			}
			e.literal = e.literal || u.kind == digit
			e.letters = append(e.letters, u.r)
		}
	}
	if unspaced {
		if len(d.tokens) > 1 {
			return e, fmt.Errorf("mixes a script without spaces with another one, or has a space in it")
		}
		e.before, e.after = true, true
	}
	switch n := len(e.letters); {
	case n == 0 || n == 1 && !unspaced:
		return e, fmt.Errorf("has fewer than two letters")
	case n > maxEntry:
		return e, fmt.Errorf("has more than %d letters", maxEntry)
	}
	run := 1
	for i := 1; i < len(e.letters); i++ {
		if run++; e.letters[i] != e.letters[i-1] {
			run = 1
		}
		if run > maxRepeat {
			return e, fmt.Errorf("repeats a letter more than %d times", maxRepeat)
		}
	}
	return e, nil
}
