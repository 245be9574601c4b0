// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
)

func TestLinksResolve(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	var documents []string
	for _, name := range sourceFiles(t, root) {
		if path.Ext(name) == ".md" {
			documents = append(documents, name)
		}
	}
	if len(documents) == 0 {
		t.Fatal("there are no documents: the list of files is wrong")
	}
	faults, err := checkLinks(os.DirFS(root), documents)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

// The checker itself: one document with one link each.
func TestCheckLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, fault string }{
		{"see [it](other.md)", ""},
		{"see [it](../README.md)", ""},
		{"see [the folder](sub)", ""},
		{"see [it](other.md#some-words-and-a-1)", ""},
		{"## Here, too\n[it](#here-too)", ""},
		{"[far](https://example.com/x) [mail](mailto:a@example.com)", ""},
		{"```\n[x](nowhere.md)\n```\n", ""},
		{"code `[x](nowhere.md)`", ""},
		{"see [it](nowhere.md)", "docs/x.md:1: nowhere.md"},
		{"\n[it](other.md#no-such-heading)", "docs/x.md:2: other.md#no-such-heading"},
		{"[it](#nowhere)", "#nowhere"},
		{"[it](/docs/other.md)", "relative"},
		{"[it](../../outside.md)", "../../outside.md"},
	} {
		tree := fstest.MapFS{
			"README.md": {}, "docs/sub/y.md": {},
			"docs/other.md": {Data: []byte("# Other\n```\n## no such heading\n```\n## Some *words*, and `a` (1)\n")},
			"docs/x.md":     {Data: []byte(c.text)},
		}
		faults, err := checkLinks(tree, []string{"docs/x.md"})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(faults, "; ")
		if (c.fault == "") != (got == "") || !strings.Contains(got, c.fault) {
			t.Errorf("%q: got %q, want %q", c.text, got, c.fault)
		}
	}
}

var (
	linkPattern = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codePattern = regexp.MustCompile("`[^`]*`")
)

// checkLinks returns one sentence for each link of a Markdown document into the tree that leads nowhere. Addresses of
// other places are not looked at.
func checkLinks(fsys fs.FS, documents []string) ([]string, error) {
	var faults []string
	for _, name := range documents {
		lines, err := prose(fsys, name)
		if err != nil {
			return nil, err
		}
		for number, line := range lines {
			for _, link := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(line, ""), -1) {
				if fault, err := checkLink(fsys, name, link[1]); err != nil {
					return nil, err
				} else if fault != "" {
					faults = append(faults, fmt.Sprintf("%s:%d: %s %s", name, number+1, link[1], fault))
				}
			}
		}
	}
	return faults, nil
}

func checkLink(fsys fs.FS, document, link string) (fault string, err error) {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return "", nil
	}
	target, anchor, _ := strings.Cut(link, "#")
	if strings.HasPrefix(target, "/") {
		return "must be relative to the document", nil
	}
	file := document
	if target != "" {
		file = path.Join(path.Dir(document), target)
	}
	if !fs.ValidPath(file) {
		return "leads out of the tree", nil
	}
	if _, err := fs.Stat(fsys, file); err != nil {
		return "does not exist", nil //nolint:nilerr // whatever the reason, a reader does not get there
	}
	if anchor == "" || path.Ext(file) != ".md" {
		return "", nil
	}
	lines, err := prose(fsys, file)
	if err != nil {
		return "", err
	}
	for _, line := range lines {
		if heading := strings.TrimLeft(line, "#"); heading != line && anchorOf(heading) == anchor {
			return "", nil
		}
	}
	return "names a heading that is not there", nil
}

// prose are the lines of a document; those in code blocks are empty.
func prose(fsys fs.FS, name string) ([]string, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("reading the documents: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	inCode := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			inCode = !inCode
		}
		if fence || inCode {
			lines[i] = ""
		}
	}
	return lines, nil
}

// anchorOf is how a heading is linked to: lower case, hyphens for spaces, no punctuation.
func anchorOf(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(heading)) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}
