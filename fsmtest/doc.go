// Package fsmtest is the test kit of carrierfsm, for hosts and for this module
// itself: a Machine with a scripted upstream and a manual clock (Bench), rows of
// transition tests (RunTable), stories as text files (RunStories), and the
// contracts of the ports as tests (TestStore, TestOutbox, TestSurveyor, TestUpstream).
package fsmtest
