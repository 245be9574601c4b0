// SPDX-License-Identifier: Apache-2.0

//go:build !race

package mqtt_test

const raceEnabled = false
