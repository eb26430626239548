// Package simulator is a simulated Juxinli (聚信立) server: an http.Handler with
// carriers, people with accounts, phones that receive codes, and faults. It is for
// tests, demos, and hosts in development, in any language:
//
//	go run ./cmd/carrierfsm simulator serve
//
// It is written from a description of the API and shares no code with the client,
// so that the two can't make the same mistake. It holds invented people only. It
// does not authenticate its callers as a real server would, so it must not be
// reachable by others.
//
// # What it takes
//
// A request is a JSON object with the content type application/json. Names of
// fields are matched exactly. A field that is absent, null or empty is the same; a
// number stands for a text. Unknown fields are ignored, and so is a doubled slash in
// a path.
//
// The account may be missing in the steps that follow the service password: a code,
// another code, a query password. It is the session's then. A different one is
// refused, and so is a step for another website than the session's present one.
//
// A reset begins with the type RESEND_RESET_PWD_CAPTCHA, or with an empty type or
// SUBMIT_RESET_PWD as long as there is no code in the request.
//
// An item of selected_website names its source as "website" or as "name", each by
// the website's id or by its name for people.
//
// # What it does not serve
//
//   - Forms (application/x-www-form-urlencoded), XML, and TLS: put a proxy before it.
//   - The application calls of version 1, and collect calls of version 3.
//   - Data sources other than mobile operators (e_business and others), their data
//     calls, and the status of a job by person. A selection in version 2 is ignored.
//   - Captcha images, users that upstream asks to identify themselves
//     (required_captcha_user_identified), callbacks.
//   - The codes 10005, 10012 to 10016 and 10019 to 10021, which were never seen. Any
//     answer can be scripted: see Server.Script.
//   - Limits on requests. Limits of a day do not end: a locked number stays locked.
//   - Net traffic in the raw data: "nets" is empty. A report has what was asked for
//     here, the person and the months, and none of upstream's analyses.
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
// (selected_website of version 3); a form that selects an unknown one is refused.
// With skip_mobile the first selected source takes the place of the person's own,
// with the password of a further source; without a selection the form is refused.
//
// The collection continues for a time after the last step. Until then the report is
// empty (20033), and there are no raw data (31204). A collection that fails has the
// status 抓取失败, and its report stays empty. A token that is unknown, or whose
// person has not completed all steps, has no status (20032). The words of a job's
// details (Carrier.StateInDetails) are invented, but for their end, SUCCESS. Several access tokens
// are valid at the same time. A report by person is that of the application that was
// collected last; a person whose name or ID card is another has none (20033). Calls,
// messages and bills are invented, and always the same for one token.
package simulator
