// Package carrierfsm runs mobile-operator identity verifications.
//
// A person consents, gives the operator's service password and the codes that
// the operator texts; the package relays each to an aggregator's HTTP API and
// moves the verification along by what that answers. Each verification is an
// explicit finite-state machine, kept in a store that several replicas of the
// host may share.
//
// # Words
//
// A verification is one person's run through the flow. It is in one of six
// states (State). A prompt is what is asked of the person now (Prompt); a user
// interface can be written from prompts alone. An input is what the host
// submits (Input); all but Cancel name the step of the prompt that they answer.
// An event is what happened (Event), and a transition is one row of history:
// from a state, by an event, to a state (Transition). The step is how many
// transitions there have been. An intent is the durable note, written before a
// call upstream, that it is about to be made.
//
// # Use
//
// Make a Machine of a Store and an Upstream, call Run in the background, and
// drive it from the host's handlers:
//
//	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: upstream})
//	go m.Run(ctx)
//
//	v, err := m.Create(ctx, carrierfsm.NewVerification{})
//	v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: form, Consent: consent})
//	v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: password})
//	v, err = m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Prompt.Step, Code: code})
//
// After each of them v.Prompt says what to ask next, and nil that it has
// ended. A wrong password is no error but a new prompt. Prompt.Reset tells that
// the password can be reset (RequestReset, ResetCaptcha), Prompt.Skip that the
// source can be left out (SkipSource). Where there are several sources each has
// its own prompts and attempts, and done is when all are through.
//
// # What is promised
//
// A nil error means committed. Each submission makes at most one request
// upstream, whatever crashes: the intent is committed before the call, the
// outcome after it, and what was cut off in between is settled as unknown and
// asked again, never sent again. Passwords and codes are never stored. Read
// docs/guarantees.md for the whole list, with the test of each, and for what
// is not promised: this is at most once, not exactly once.
//
// # Where to look
//
// transitions.go is the transition table, replies.go what upstream's replies
// mean. decide.go and decision.go work on values alone; machine.go, submit.go,
// call.go and run.go carry out what they decide. store.go and upstream.go are
// the two ports. The package fsmtest tests implementations of both, and a
// host's handlers.
package carrierfsm

//go:generate go run ./internal/docgen
