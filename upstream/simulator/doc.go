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
// A reset may be asked for at any time where the carrier has one, and gives up
// what was awaited. The form of a new password is looked at before the code,
// which a bad one leaves good: 10010 where it is not digits, 11001 where it is
// not 6 to 8 of them. A reset unlocks nothing: on a locked number it fails
// (31000). Afterwards the tries begin anew. Which new passwords are too simple
// is not looked at.
//
// A skip leaves out whatever source is the present one: repeated, it leaves out
// the next. What comes in the name of a source that is through or was left out
// is answered like what is collected already, with the present source as the
// next. Where all sources were left out the collection fails. After the sources
// that follow by themselves come those that the form named (selected_website of
// v3, by website or by name); a form that names an unknown one is refused.
//
// The collection goes on for a while after the last step; a report that is
// asked for before is empty (20033), and there are no raw data (31204). One that
// fails ends in the status 抓取失败, and its report stays empty. A token that
// does not exist, or whose person is not through, has no status (20032). Access
// tokens do not disturb each other.
package simulator
