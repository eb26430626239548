//go:build unix

package main

// Exported for the tests.
var Run = run
