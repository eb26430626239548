//go:build race

package carrierfsm_test

// raceDetector tells that everything takes many times as long.
const raceDetector = true
