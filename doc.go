// Package carrierfsm runs mobile-operator identity verifications.
//
// A person consents, gives the operator's service password and the codes that
// the operator texts; the package sends each to an aggregator's HTTP API and
// moves the verification along by the replies. Each verification is an explicit
// finite-state machine, kept in a store that several replicas of the host may
// share.
//
// # Words
//
// A verification is one person's run through the flow. It is in one of six
// states (State). A prompt is what the person is asked now (Prompt); a user
// interface can be written from prompts alone. An input is what the host
// submits (Input); all but Cancel name the step of the prompt that they answer.
// An event is what happened (Event), and a transition is one row of history:
// from a state, by an event, to a state (Transition). The step is how many
// transitions there were. An intent is the durable note, written before a call
// upstream, that the call is about to be made.
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
// Begin is Create and the first Submit in one commit, where the form is there from
// the beginning. After each call v.Prompt is what to ask next; it is nil after the end. A
// wrong password is no error but a new prompt. Prompt.Reset and Prompt.Skip
// report that the password can be reset (RequestReset, ResetCaptcha) and the
// source skipped (SkipSource). Several sources have their prompts and attempts
// one after the other, and the state is done when all are.
//
// Package outbox calls the host's code for each transition after its commit.
//
// # Guarantees
//
// A nil error means committed. Each submission makes at most one request
// upstream: the intent is committed before the call and the outcome after it,
// and a call that was cut off in between is settled as unknown and asked again,
// never sent again. Passwords and codes are never stored. docs/guarantees.md
// has the whole list, with the test of each. This is at most once, not exactly
// once.
//
// # Where to look
//
// transitions.go is the transition table, replies.go the meaning of upstream's
// replies; tablecheck.go checks both. store.go and upstream.go are the two
// ports. refuse.go, decide.go and decision.go decide, on values alone.
// machine.go and the files named after its verbs (create.go, submit.go, call.go,
// commit.go, read.go, operator.go, run.go) carry out what they decide. Package
// fsmtest tests implementations of both ports, and a host's handlers.
package carrierfsm

//go:generate go run ./internal/docgen
