package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// simulation is the simulated aggregator with its operators and one person, served
// over HTTP. Its state is saved next to a named database, so that a second start
// resumes it.
type simulation struct {
	url       string
	server    *simulator.Server
	http      *http.Server
	applicant simulator.Person
	saveTo    string // empty: nowhere
}

// faults are what -fault can break, at the first password.
var faults = map[string]simulator.Fault{
	"drop-before":  simulator.DropBeforeReading(),
	"drop-after":   simulator.DropAfterReading(),
	"slow-header":  simulator.SlowHeader(time.Minute),
	"slow-body":    simulator.SlowBody(time.Minute),
	"truncated":    simulator.Truncated(),
	"garbage":      simulator.Garbage(),
	"server-error": simulator.ServerError(true),
	"redirect":     simulator.Redirect("http://127.0.0.1:1/"),
	"reset":        simulator.Reset(),
	"oversized":    simulator.Oversized(),
	"html":         simulator.HTML(),
	"unseen-code":  simulator.UnseenCode(),
}

// firstPassword is the number of the request that -fault breaks; the form is
// number 1.
const firstPassword = 2

func faultNames() []string {
	names := make([]string, 0, len(faults))
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func carrierNames() []string {
	var names []string
	for _, c := range simulator.Carriers() {
		names = append(names, c.Key)
	}
	return names
}

func carrierNamed(key string) (simulator.Carrier, bool) {
	for _, c := range simulator.Carriers() {
		if c.Key == key {
			return c, true
		}
	}
	return simulator.Carrier{}, false
}

func startSimulation(o options) (*simulation, error) {
	carrier, _ := carrierNamed(o.carrier)
	s := &simulation{server: simulator.New(simulator.Config{ResendAfter: 5 * time.Second})}
	for _, p := range simulator.People() {
		if p.Website == carrier.Website {
			s.applicant = p
		}
	}
	if o.id != "" {
		s.saveTo = o.db + ".simulator.json"
		if err := s.restore(); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", s.saveTo, err, errUsage)
		}
	}
	if o.fault != "" {
		s.server.FaultAt(firstPassword, faults[o.fault])
	}
	return s, s.listen()
}

func (s *simulation) listen() error {
	var on net.ListenConfig
	listener, err := on.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	s.http = &http.Server{Handler: s.saveAfter(s.server), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(listener) }() // ends with close
	return nil
}

func (s *simulation) close() {
	_ = s.http.Close()
}

// saveAfter saves the state after each request.
func (s *simulation) saveAfter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer s.save()
		next.ServeHTTP(rw, r)
	})
}

func (s *simulation) save() {
	if s.saveTo == "" {
		return
	}
	file, err := os.Create(s.saveTo + ".new")
	if err != nil {
		return // only a later start needs the file
	}
	if errors.Join(s.server.Save(file), file.Close()) == nil {
		_ = os.Rename(s.saveTo+".new", s.saveTo)
	}
}

func (s *simulation) restore() error {
	file, err := os.Open(s.saveTo)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return s.server.Restore(file)
}

// person returns the one who answers: simulated, or at the terminal.
func (s *simulation) person(o options, in io.Reader, out io.Writer) person {
	form := carrierfsm.Form{Name: carrierfsm.NewSecret(s.applicant.Name), IDCard: carrierfsm.NewSecret(s.applicant.IDCard), Phone: carrierfsm.NewSecret(s.applicant.Phone)}
	if !o.interactive {
		return answerer{values: s, form: form, skipWebsite: s.skippedWebsite(o)}
	}
	hint := fmt.Sprintf("password %s, query password %s and the password of the next source, %s",
		s.applicant.Password, s.applicant.QueryPassword, s.applicant.NextPassword)
	_, _ = fmt.Fprintf(out, "You are %s. The simulated operator knows your %s.\n", s.applicant.Name, hint)
	return answerer{values: newTerminal(in, out, s.latestCode), form: form, skipWebsite: s.skippedWebsite(o)}
}

// skippedWebsite returns the website that -skip skips; empty without the flag.
func (s *simulation) skippedWebsite(o options) string {
	if !o.skip {
		return ""
	}
	return s.applicant.Website
}

// password returns the simulated person's present password: one of their own, the
// one of a reset, or one that the operator texted.
func (s *simulation) password(_ context.Context, kind carrierfsm.PromptKind, website string) (string, error) {
	if kind == carrierfsm.PromptQueryPassword {
		return s.applicant.QueryPassword, nil
	}
	known := []string{s.applicant.Password, s.applicant.NextPassword, s.applicant.NewPassword}
	for _, message := range s.server.Inbox(s.applicant.Phone) {
		known = append(known, message.Code)
	}
	for _, password := range known {
		if s.server.HasPassword(s.applicant.Phone, website, password) {
			return password, nil
		}
	}
	return s.applicant.Password, nil
}

// newPassword returns the simulated person's choice for a reset.
func (s *simulation) newPassword(context.Context) (string, error) {
	return s.applicant.NewPassword, nil
}

// code returns the code on the simulated phone.
func (s *simulation) code(_ context.Context, kind carrierfsm.PromptKind) (string, error) {
	if kind == carrierfsm.PromptOwnSMS {
		s.server.TextCXXD(s.applicant.Phone)
	}
	inbox := s.server.Inbox(s.applicant.Phone)
	if len(inbox) == 0 {
		return "", errNoCode
	}
	return inbox[len(inbox)-1].Code, nil
}

// latestCode returns what the simulated phone shows to a person at the terminal.
func (s *simulation) latestCode() string {
	s.server.TextCXXD(s.applicant.Phone) // the person can't text from the terminal
	inbox := s.server.Inbox(s.applicant.Phone)
	if len(inbox) == 0 {
		return "nothing"
	}
	return inbox[len(inbox)-1].Code
}
