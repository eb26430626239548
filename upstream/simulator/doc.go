// Package simulator is a Juxinli (聚信立) server to run against: an
// http.Handler with operators, people who have accounts there, phones that
// receive codes, and faults. It serves tests, and hosts in development.
//
// It is written from a description of the API and shares no code with the
// client, so that the two can't make the same mistake. It holds invented
// people only and must never be reachable by others: it checks nothing that a
// real server would have to check about its callers.
package simulator
