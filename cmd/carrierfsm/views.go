package main

import (
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// The JSON of what is listed and shown. Times that are zero, and words that are
// empty, are left out. Nothing here is a secret, a token or a whole number.

// summaryJSON is a verification of a list.
type summaryJSON struct {
	ID        string           `json:"id"`
	Reference string           `json:"reference,omitempty"`
	State     carrierfsm.State `json:"state"`
	Step      int              `json:"step"`
	Source    string           `json:"source,omitempty"`
	Event     carrierfsm.Event `json:"event,omitempty"`
	InFlight  bool             `json:"in_flight"`
	Created   time.Time        `json:"created"`
	Updated   time.Time        `json:"updated"`
	Due       time.Time        `json:"due,omitzero"`
	Error     string           `json:"error,omitempty"` // why it can't be read
}

const summaryHeader = "ID REFERENCE STATE STEP SOURCE EVENT IN-FLIGHT CREATED UPDATED"

func summaryOf(v carrierfsm.Summary) summaryJSON {
	j := summaryJSON{
		ID: v.ID, Reference: v.Reference, State: v.State, Step: v.Step, Source: v.Source, Event: v.Reason, InFlight: v.InFlight,
		Created: v.Created, Updated: v.Updated, Due: v.Due,
	}
	if v.Err != nil {
		j.Error = textOf(v.Err)
	}
	return j
}

func (v summaryJSON) cells() []any {
	reference := v.Reference
	if v.Error != "" {
		reference = "(can't be read)"
	}
	return []any{v.ID, reference, v.State, v.Step, v.Source, v.Event, v.InFlight, v.Created, v.Updated}
}

// verificationJSON is one verification with its timeline.
type verificationJSON struct {
	summaryJSON
	Canceling  bool             `json:"canceling,omitempty"`
	SourceName string           `json:"source_name,omitempty"`
	Account    string           `json:"account,omitempty"` // masked
	Message    string           `json:"message,omitempty"`
	Prompt     *promptJSON      `json:"prompt,omitempty"`
	Consent    *consentJSON     `json:"consent,omitempty"`
	Deadline   time.Time        `json:"deadline,omitzero"`
	Timeline   []transitionJSON `json:"timeline"`
	Parked     []parkedJSON     `json:"parked"`
}

type promptJSON struct {
	Kind     carrierfsm.PromptKind `json:"kind"`
	Step     int                   `json:"step"`
	Deadline time.Time             `json:"deadline,omitzero"`
}

type consentJSON struct {
	Policy  string    `json:"policy"`
	At      time.Time `json:"at"`
	Channel string    `json:"channel"`
}

// transitionJSON is one row of history.
type transitionJSON struct {
	Step    int                    `json:"step"`
	At      time.Time              `json:"at"`
	From    carrierfsm.State       `json:"from"`
	Event   carrierfsm.Event       `json:"event"`
	To      carrierfsm.State       `json:"to"`
	Input   carrierfsm.InputKind   `json:"input,omitempty"`
	By      string                 `json:"by,omitempty"`
	Source  string                 `json:"source,omitempty"`
	Fault   carrierfsm.Fault       `json:"fault,omitempty"`
	Code    carrierfsm.ProcessCode `json:"code,omitempty"`
	Message string                 `json:"message,omitempty"`
	Late    bool                   `json:"late,omitempty"`
}

const timelineHeader = "STEP AT AFTER EVENT TO BY DETAIL"

func transitionOf(t carrierfsm.Transition) transitionJSON {
	d := t.Detail
	return transitionJSON{
		Step: t.Step, At: t.At, From: t.From, Event: t.Event, To: t.To, Input: d.Input, By: d.By, Source: d.Source,
		Fault: d.Fault, Code: d.Code, Message: d.Message, Late: d.Late,
	}
}

// detail is what led to the transition, in words.
func (t transitionJSON) detail() string {
	words := []string{string(t.Input), string(t.Code), t.Message}
	if t.Fault != "" {
		words = append(words, "fault "+string(t.Fault))
	}
	if t.Late {
		words = append(words, "late")
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// parkedJSON is a verification that is parked for a handler.
type parkedJSON struct {
	Handler  string    `json:"handler"`
	ID       string    `json:"id"`
	Step     int       `json:"step"`
	Upto     int       `json:"upto"`
	Attempts int       `json:"attempts"`
	Why      string    `json:"why,omitempty"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next"`
	// What the handler failed with, and at which transition.
	Event carrierfsm.Event `json:"event,omitempty"`
	Error string           `json:"error,omitempty"`
}

const parkedHeader = "HANDLER ID STEP UPTO ATTEMPTS WHY SINCE NEXT EVENT ERROR"

func (s *session) parkedOf(list []outbox.Parked) []parkedJSON {
	rows := make([]parkedJSON, len(list))
	for i, p := range list {
		f, err := s.dispatcher.Failure(p)
		if err != nil {
			f.Error = "(can't be read)"
		}
		rows[i] = parkedJSON{p.Handler, p.ID, p.Step, p.Upto, p.Attempts, p.Why, p.Since, p.Next, f.Event, f.Error}
	}
	return rows
}

func (p parkedJSON) cells() []any {
	return []any{p.Handler, p.ID, p.Step, p.Upto, p.Attempts, p.Why, p.Since, p.Next, p.Event, p.Error}
}

// cursorJSON is how far a handler has come.
type cursorJSON struct {
	Name   string    `json:"name"`
	Shard  string    `json:"shard,omitempty"`
	Owner  string    `json:"owner,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Behind time.Time `json:"behind,omitzero"`
	Parked int       `json:"parked"`
}

func (c cursorJSON) cells() []any {
	name := c.Name
	if c.Shard != "" {
		name += " (" + c.Shard + ")"
	}
	return []any{name, c.Owner, c.Until, c.Behind, c.Parked}
}
