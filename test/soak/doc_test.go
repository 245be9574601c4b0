// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Package soak has many people do what comes into their heads, on several devices each that come, go, are slow and lose their
// connections, while the server is restarted and killed; and holds in the end what every device shows against what the server
// says, and against who was in which room when.
//
// Devices speak MQTT 5 and 3.1.1 with sessions that stay, MQTT 5 at QoS 0, MQTT 5 through package client, Server-Sent Events, and
// HTTP alone. Some are slow, some take small packets only. Each keeps a picture of its rooms (package view), loaded once and kept
// up by what it is sent, as docs/protocol.md tells clients to.
//
// go test makes a small run of each by itself, with the same random numbers each time. Others have to be asked for:
//
//	go test ./test/soak -soak.short                      some hundred deeds, from the same random numbers each time
//	go test ./test/soak -soak 5m                         for five minutes each, from new random numbers
//	go test ./test/soak -soak 5m -soak.seed 17           what everybody tries is as in the run that printed this seed
//
// The same seed gives the same choices, though not the same scheduling of goroutines and processes.
package soak

import (
	"flag"
	"os"
	"testing"
	"time"

	"parley/test/systemtest"
)

var (
	length = flag.Duration("soak", 0, "how long people go about")
	brief  = flag.Bool("soak.short", false, "people do a few things each")
	seed   = flag.Uint64("soak.seed", 0, "the random choices of a run; 0: the usual ones of a short run, new ones of a long one")
	crowd  = flag.Int("soak.people", 0, "how many people there are; 0: 24, and fewer in the run that nobody asked for")
)

// patience is how long the town waits for what must come: in the end all of it has to come within that. The longer people went about,
// the more there is to be caught up and to be compared.
func patience() time.Duration { return 30*time.Second + *length/2 }

func TestMain(m *testing.M) { os.Exit(systemtest.Main(m)) }
