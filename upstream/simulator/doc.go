// Package simulator is a Juxinli (聚信立) server to run against: an
// http.Handler with carriers, people who have accounts there, phones that
// receive codes, and faults. It serves tests, demos, and hosts in development.
//
// It is written from a description of the API and shares no code with the
// client, so that the two can't make the same mistake. It holds invented
// people only and must never be reachable by others: it checks nothing that a
// real server would have to check about its callers.
//
// # Where the description is silent
//
// A name or an ID card that is not the account's is found out when the last
// step is through (10009), as a number that is not real-name registered is. A
// phone number that nobody has is refused with the form.
//
// A submit of type "" begins the data source anew and texts a new code, each
// time. A code is good for one submit; a wrong one leaves it good. One that has
// grown old is answered with 10006 and a new one, at every carrier. Beside a
// code the password is neither needed nor looked at. Two applications for one
// number do not disturb each other's codes, but share the wrong passwords.
//
// A resend that comes too early is answered with 10002 and texts nothing: the
// earlier code stays good. Where CXXD is awaited a resend is answered with the
// instruction again. Where no code is awaited it is an error, 30000.
//
// A carrier that is offline has status 0 in the receipt; a password sent there
// all the same is answered with 30000 and never tried.
//
// The collection goes on for a while after the last step; a report that is
// asked for before is empty (20033), and there are no raw data (31204). One that
// fails ends in the status 抓取失败, and its report stays empty. A token that
// does not exist, or whose person is not through, has no status (20032). Access
// tokens do not disturb each other.
package simulator
