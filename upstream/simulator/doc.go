// Package simulator is a simulated Juxinli (聚信立) server: an http.Handler with
// carriers, people with accounts, phones that receive codes, and faults. It is for
// tests, demos, and hosts in development.
//
// It is written from a description of the API and shares no code with the client,
// so that the two can't make the same mistake. It holds invented people only. It
// does not authenticate its callers as a real server would, so it must not be
// reachable by others.
//
// # Where the description is silent
//
// The server behaves as follows where the API's description says nothing.
//
// A name or an ID card that is not the account's fails after the last step
// (10009), as does a number that is not real-name registered. An application for
// an unknown phone number is refused.
//
// Each submit of type "" restarts the data source and sends a new code. A code is
// valid for one submit; a wrong code does not use it up. An expired code is
// answered with 10006 and a new code, at every carrier. With a code, the password
// is not checked. Two applications for one number have separate codes, but share
// the count of wrong passwords.
//
// A resend that comes too early is answered with 10002 and sends nothing: the
// earlier code stays valid. While CXXD is awaited, a resend is answered with the
// instruction again. While no code is awaited, it is an error, 30000.
//
// A carrier that is offline has status 0 in the receipt; a password sent to it is
// answered with 30000 and not checked.
//
// A reset may be requested at any time at a carrier that supports it; it cancels
// the prompt that was open. The format of a new password is checked before the
// code, and an invalid password does not use up the code: 10010 if it has other
// characters than digits, 11001 if it does not have 6 to 8 of them. A reset of a
// locked number fails (31000). A successful one sets the count of wrong passwords
// to 0. Whether the new password is too simple is not checked.
//
// A skip skips the present source; a repeated one skips the next. A request for a
// source that is completed or skipped is answered as already collected, with the
// present source as the next. If all sources were skipped, the collection fails.
// The sources that follow automatically come before those that the form selects
// (selected_website of version 3, by website or by name); a form that selects an
// unknown one is refused.
//
// The collection continues for a time after the last step. Until then the report is
// empty (20033), and there are no raw data (31204). A collection that fails has the
// status 抓取失败, and its report stays empty. A token that is unknown, or whose
// person has not completed all steps, has no status (20032). Several access tokens
// are valid at the same time.
package simulator
