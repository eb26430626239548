// Package fsmtest is the test kit of carrierfsm, for hosts and for this module
// itself: a scripted upstream, a Machine on a manual clock, a table runner,
// stories as text files, and the contracts of the two ports as tests.
package fsmtest
