// SPDX-License-Identifier: Apache-2.0

package archtest

// modulePath is the module's own path; internal/x is written as
// modulePath/internal/x in an import.
const modulePath = "parley"

// anything, as the only entry of a room's list, lifts the restriction.
const anything = "*"

// A room is a package with everything below it, and what it may import beside
// the standard library and itself.
type room struct {
	// path is relative to the module. A last segment "*" stands for any one
	// segment: each match is a room of its own, so that doors cannot import
	// each other.
	path string
	// imports names rooms, without "internal/". Naming a room allows the
	// packages below it too.
	imports []string
	// libraries names modules, or parts of them, from outside.
	libraries []string
}

// rooms is the table. The longest path that covers a package counts. Calls go
// down, events come up, nothing calls back up.
func rooms() []room {
	const jsonV2 = "github.com/go-json-experiment/json"
	return []room{
		{path: "cmd/parley", imports: []string{"app", "bench", "admin", "client", "tui"}, libraries: []string{
			"github.com/alecthomas/kong", "golang.org/x/term",
		}},
		{path: "internal/tui", imports: []string{"client"}, libraries: []string{"charm.land/bubbletea", "github.com/charmbracelet/x/ansi"}},
		{path: "examples", imports: []string{"client"}},
		{path: "client", libraries: []string{"github.com/eclipse/paho.golang"}}, // for others' programs, too
		{path: "internal/app", imports: []string{anything}, libraries: []string{anything}},

		// The domain and what stands beside it.
		{path: "internal/chat"},
		{path: "internal/topic"},
		{path: "internal/ratelimit"},
		{path: "internal/content", libraries: []string{
			"golang.org/x/text", "github.com/clipperhouse/uax29", "mvdan.cc/xurls",
		}},
		{path: "internal/search", libraries: []string{"golang.org/x/text"}},
		{path: "internal/archive", imports: []string{"chat"}, libraries: []string{jsonV2}},
		{path: "internal/wire", imports: []string{"chat"}, libraries: []string{jsonV2}},
		{path: "internal/blob"},
		{path: "internal/picture", libraries: []string{"golang.org/x/image", "github.com/gabriel-vasile/mimetype"}},
		{path: "internal/auth", imports: []string{"chat", "ratelimit"}, libraries: []string{
			"github.com/golang-jwt/jwt", "github.com/coreos/go-oidc", "github.com/go-webauthn/webauthn",
			"golang.org/x/crypto", "golang.org/x/oauth2", "golang.org/x/time",
		}},
		{path: "internal/feed", imports: []string{"chat", "wire"}},
		{path: "internal/push", imports: []string{"chat", "wire"}, libraries: []string{
			"github.com/SherClockHolmes/webpush-go", "github.com/standard-webhooks/standard-webhooks/libraries",
		}},
		{path: "internal/presence", imports: []string{"chat", "wire"}, libraries: []string{jsonV2}},
		{path: "internal/bus", imports: []string{"chat"}, libraries: []string{"github.com/redis/rueidis"}},
		{path: "internal/store", imports: []string{"archive", "chat", "mqtt", "search"}, libraries: []string{
			jsonV2, "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/pressly/goose", "golang.org/x/sys",
		}},

		// MQTT stands alone: no chat in it.
		{path: "internal/mqtt", libraries: []string{
			"github.com/gobwas/ws", "github.com/gobwas/httphead", "golang.org/x/sys",
		}},
		{path: "internal/mqtt/packet"},

		// The routes, and the doors that lead to them.
		{path: "internal/api", imports: []string{"chat", "auth", "wire", "topic", "content", "ratelimit", "blob", "picture"}, libraries: []string{
			jsonV2, "github.com/danielgtaylor/huma",
		}},
		{path: "internal/describe", imports: []string{"api", "wire", "chat"}, libraries: []string{jsonV2}},
		{path: "internal/edge/*", imports: []string{"api", "feed", "auth", "wire", "mqtt", "topic", "chat", "blob", "picture", "describe"}, libraries: []string{
			jsonV2, "github.com/gobwas/ws", "github.com/prometheus/client_golang",
		}},
		{path: "web"},

		// Programs beside the server speak to it as any client does.
		{path: "internal/bench", imports: []string{"mqtt/packet", "wire"}, libraries: []string{jsonV2, "golang.org/x/sys", "golang.org/x/term"}},
		{path: "internal/admin", imports: []string{"chat", "auth"}, libraries: []string{jsonV2}},

		// Tests of the whole, and tools of the build.
		{path: "internal/archtest"},
		{path: "test", imports: []string{anything}, libraries: []string{anything}},
		{path: "test/parleytest"},
		{path: "tools"},
	}
}
