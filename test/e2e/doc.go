// SPDX-License-Identifier: Apache-2.0

// Package e2e drives the real parley binary with MQTT clients that other
// people wrote: Mosquitto's command line, Paho for Go (MQTT 3.1.1 and 5) and
// MQTT.js over WebSocket. Its tests are behind the build tag e2e; make e2e
// runs them.
//
// Each client is a driver that can publish and can listen with a persistent
// session. TestDrivers first runs every driver against the Mosquitto broker,
// so that a fault in a driver is not taken for one of parley. The scenarios
// follow in scenario_test.go.
//
// A program that is missing skips its tests loudly, and fails them where CI
// is set to true.
package e2e
