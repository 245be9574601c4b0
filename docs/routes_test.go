// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parley/internal/api"
)

// domain is where the use cases behind the routes are tested, by their names and not by those of the routes.
const domain = "internal/chat"

// Every route has a line in routes.md that says what the table says, and names tests: they exist, and those outside the domain
// ask that route. A line without a route is one too many.
func TestRoutesNameTheirTests(t *testing.T) {
	t.Parallel()
	router := api.New(api.Config{}).Router()
	want := map[string]string{}
	router.Walk(func(r *api.Route) {
		route := strings.TrimPrefix(r.Pattern(), api.Prefix+"/")
		want[route] = fmt.Sprintf("| `%s` | %d | %s | %s |", route, r.QoS(), api.Who(r), r.Doc())
	})
	check(t, "Routes of the table", want, func(text string) []string {
		text = strings.TrimPrefix(strings.TrimPrefix(text, "/api/v1/"), api.Prefix+"/")
		if r, _, ok := router.Match(api.Prefix + "/" + text); ok {
			return []string{strings.TrimPrefix(r.Pattern(), api.Prefix+"/")}
		}
		return nil
	})
}

// The same of what only the HTTP door has. The patterns are those of its source.
func TestHTTPRoutesNameTheirTests(t *testing.T) {
	t.Parallel()
	patterns := httpPatterns(t)
	mux := http.NewServeMux()
	want := map[string]string{}
	for _, p := range patterns {
		want[p] = "| `" + p + "` |"
		mux.HandleFunc(p, func(http.ResponseWriter, *http.Request) {})
	}
	check(t, "Only over HTTP", want, func(text string) (routes []string) {
		path, _, _ := strings.Cut(text, "?")
		if text == "upload_url" { // is given, and not put together
			path = api.UploadPath
		}
		for _, before := range []string{"", "/api/v1/", "/api/v1/auth/"} {
			for _, method := range []string{"GET", "POST", "PUT"} {
				r, err := http.NewRequest(method, before+path, nil)
				if err != nil {
					return routes
				}
				if _, p := mux.Handler(r); p != "" {
					routes = append(routes, p)
				}
			}
		}
		return routes
	})
}

// The tests that are named as guards against common failures exist, too.
func TestFailuresNameTheirTests(t *testing.T) {
	t.Parallel()
	tested := packages{}
	lines := 0
	for line := range strings.Lines(section(t, "routes.md", "Where chat servers fail")) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| failure ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		lines++
		names := testName.FindAllStringSubmatch(line, -1)
		if len(names) == 0 {
			t.Errorf("no test is named: %s", line)
		}
		for _, m := range names {
			if _, ok := tested.texts(t, m[1], m[2]); !ok {
				t.Errorf("there is no test %s in %s", m[2], m[1])
			}
		}
	}
	if lines == 0 {
		t.Error("routes.md names no failures")
	}
}

var testName = regexp.MustCompile("`([a-z0-9_/]+)\\.(Test[A-Za-z0-9_]+)`")

// check holds a section of routes.md against lines without their last cell. routesOf finds the routes that a text names.
func check(t *testing.T, heading string, want map[string]string, routesOf func(string) []string) {
	t.Helper()
	tested := packages{}
	found := map[string]bool{}
	for line := range strings.Lines(section(t, "routes.md", heading)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		line = strings.TrimSpace(line)
		route, _, _ := strings.Cut(line[3:], "`")
		cells := strings.LastIndex(strings.TrimSuffix(line, " |"), " | ")
		start, known := want[route]
		switch {
		case !known:
			t.Errorf("routes.md has %s, which there is not", route)
			continue
		case found[route]:
			t.Errorf("routes.md has %s twice", route)
		case cells < 0 || !strings.HasPrefix(line, start):
			t.Errorf("routes.md has\n%s\nThe table says\n%s", line, start)
			continue
		}
		found[route] = true
		asked := false
		for _, m := range testName.FindAllStringSubmatch(line[cells:], -1) {
			texts, ok := tested.texts(t, m[1], m[2])
			if !ok {
				t.Errorf("%s: there is no test %s in %s", route, m[2], m[1])
				continue
			}
			uses := slices.ContainsFunc(texts, func(text string) bool { return slices.Contains(routesOf(text), route) })
			if !uses && m[1] != domain {
				t.Errorf("%s: %s.%s does not ask that route", route, m[1], m[2])
			}
			asked = asked || uses
		}
		if !asked {
			t.Errorf("%s: routes.md names no test that asks that route", route)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(want)) {
		if !found[route] {
			t.Errorf("routes.md has no line for %s; it begins with\n%s", route, want[route])
		}
	}
}

// packages are the tests of packages, read once.
type packages map[string]map[string]*tested

// tested is a function of a test: the texts in it that may name routes, and the functions that it calls.
type tested struct {
	texts []string
	calls []string
}

// texts are those of a test and of the functions of its package that it calls.
func (p packages) texts(t *testing.T, dir, test string) ([]string, bool) {
	t.Helper()
	if p[dir] == nil {
		p[dir] = map[string]*tested{}
		names, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
					p[dir][fn.Name.Name] = readFunction(fn)
				}
			}
		}
	}
	if p[dir][test] == nil {
		return nil, false
	}
	var out []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		fn := p[dir][name]
		if fn == nil || seen[name] {
			return
		}
		seen[name] = true
		out = append(out, fn.texts...)
		for _, c := range fn.calls {
			visit(c)
		}
	}
	visit(test)
	return out, true
}

// readFunction reads what a function says. Names that it gives to texts count as these, and whatever else is put into a text
// as some word.
func readFunction(fn *ast.FuncDecl) *tested {
	out := &tested{}
	known := words{}
	makers := map[string]*ast.FuncLit{} // functions of one line that make texts
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if name, ok := n.Lhs[0].(*ast.Ident); ok && len(n.Rhs) == 1 {
				if f, ok := n.Rhs[0].(*ast.FuncLit); ok && len(f.Body.List) == 1 && f.Type.Params.NumFields() == 1 {
					makers[name.Name] = f
				}
				known[name.Name] = append(known[name.Name], known.of(n.Rhs[0])...)
			}
		case *ast.RangeStmt:
			list, ok := n.X.(*ast.CompositeLit)
			name, named := n.Value.(*ast.Ident)
			if ok && named {
				for _, e := range list.Elts {
					known[name.Name] = append(known[name.Name], known.of(e)...)
				}
			}
		case *ast.CallExpr:
			switch f := n.Fun.(type) {
			case *ast.Ident:
				out.calls = append(out.calls, f.Name)
				if made, ok := makers[f.Name]; ok && len(n.Args) == 1 {
					out.texts = append(out.texts, known.madeBy(made, n.Args[0])...)
				}
			case *ast.SelectorExpr:
				out.calls = append(out.calls, f.Sel.Name)
			}
		}
		if e, ok := n.(ast.Expr); ok {
			for _, text := range known.of(e) {
				if !strings.ContainsAny(text, " \n") {
					out.texts = append(out.texts, text)
				}
			}
		}
		return true
	})
	return out
}

// words are the values that names may have.
type words map[string][]string

// madeBy are the texts that a function makes of an argument.
func (w words) madeBy(f *ast.FuncLit, argument ast.Expr) []string {
	r, ok := f.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 || len(f.Type.Params.List[0].Names) != 1 {
		return nil
	}
	inner := maps.Clone(w)
	inner[f.Type.Params.List[0].Names[0].Name] = w.of(argument)
	return inner.of(r.Results[0])
}

const someWord = "x"

var verbs = regexp.MustCompile(`%[a-z]`)

// of are the texts that an expression may be; none where it is not one, as far as can be seen.
func (w words) of(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return []string{verbs.ReplaceAllString(s, someWord)}
		}
	case *ast.Ident:
		return w[e.Name]
	case *ast.CallExpr: // a format
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return w.of(e.Args[0])
		}
	case *ast.BinaryExpr:
		left, right := w.of(e.X), w.of(e.Y)
		if e.Op != token.ADD || len(left)+len(right) == 0 {
			return nil
		}
		if left == nil {
			left = []string{someWord}
		}
		if right == nil {
			right = []string{someWord}
		}
		var out []string
		for _, l := range left {
			for _, r := range right {
				out = append(out, l+r)
			}
		}
		return out
	}
	return nil
}

// httpPatterns are what the HTTP door hangs into its multiplexers, without the whole table and what leads to other doors.
func httpPatterns(t *testing.T) []string {
	t.Helper()
	const dir = "../internal/edge/http"
	names, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	known := words{"UploadPath": {api.UploadPath}}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.ValueSpec); ok && len(c.Values) == len(c.Names) {
				for i, name := range c.Names {
					known[name.Name] = known.of(c.Values[i])
				}
			}
			return true
		})
	}
	var out []string
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if name != "Handle" && name != "HandleFunc" && name != "give" {
				return true
			}
			pattern := call.Args[0]
			if s, ok := pattern.(*ast.SelectorExpr); ok {
				pattern = s.Sel
			}
			for _, p := range known.of(pattern) {
				_, path, _ := strings.Cut(p, "/")
				again := slices.ContainsFunc(out, func(o string) bool { return o == p || strings.HasSuffix(o, " /"+path) })
				if !slices.Contains([]string{"/", "/api/v1/", "/mqtt"}, p) && !again && !strings.HasSuffix(p, "{$}") {
					out = append(out, p)
				}
			}
			return true
		})
	}
	// A path that is there with a method is not meant twice.
	return slices.DeleteFunc(out, func(p string) bool {
		return slices.ContainsFunc(out, func(o string) bool { return o != p && strings.HasSuffix(o, " "+p) })
	})
}
