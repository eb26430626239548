// Package fsmtest is the test kit of carrierfsm, for hosts and for this module
// itself: a Machine with a scripted upstream and a manual clock (Bench), rows of
// transition tests (RunTable), stories as text files (RunStories), and the
// contracts of the ports as tests (TestStore, TestOutbox, TestFigures, TestSurveyor, TestAuditor, TestUpstream)
// with a server that breaks what it is told to (Server).
//
// # Stories
//
// A story is a text file of lines. A line that begins with "> " is a command. The
// lines after it that begin with two spaces are its output, which RunStories compares
// or writes. A line that begins with "#" is a comment; it and empty lines are kept. In
// the grammar, words are separated by spaces, [x] may be left out, {x} may be repeated
// or left out, and VALUE, SITE, WORD and CODE are any word.
//
//	command  = input | "upstream" answer {answer} | "report" state {state}
//	         | "begin" input | "end" | "advance" DURATION | "settle" | "get"
//	         | "expire" | "erase" | "restart" | "history"
//	input    = ["at" STEP] ( "apply" | "password" VALUE | "query" VALUE
//	         | "captcha" VALUE ["with" VALUE] | "resend"
//	         | "reset" | "reset-captcha" VALUE ["with" VALUE] | "skip" | "cancel" )
//	answer   = ["held" | "ignore-context"] ( receipt | reply | fault )
//	receipt  = "accept" SITE | "refuse" | "offline" | "resettable" | "resettable-by-sms"
//	reply    = CODE | "10002+" WORD | "tpl" WORD | "next" SITE | "next-resettable"
//	         | "already" | "error" | "failure" | "refuse-skip" | "running" | "tip"
//	fault    = "lost" | "not-sent" | "panic"
//	state    = "pending" | "ready" | "failed"
//
// An input is submitted for the step of the present prompt, or for that of "at". The
// VALUE after "with" is the service password at a code, and the new password at the
// code of a reset. "begin" submits an input in the background until its call has
// arrived; "end" releases the answer and waits for the submission. Before that, an
// answer is scripted with "held", which gives it at the latest when the call's context
// ends, or with "ignore-context", which waits for "end".
//
// "upstream" scripts answers, in their order. Of the replies, CODE is a process code,
// "10002+" is 10002 with another req_msg_tpl.type, "tpl" a req_msg_tpl.type without a
// code, "running" code 0, "tip", "error" the data.type of that name, "failure" and
// "refuse-skip" success:false, and "already" an ERROR that says that the source is
// collected. "resettable" is a source whose password reset takes a new password.
// "report" scripts the Reporter. "advance" moves the clock on by a time.Duration,
// "settle" settles what is due, and "restart" replaces the machine as if the process
// had been killed.
//
// The output of a command is an error's text if there is one, a line for each new
// transition, and a line with the prompt or the end. "history" prints all transitions
// with their details; "upstream", "report", "advance" and "restart" print nothing.
package fsmtest
