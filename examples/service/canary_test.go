package main

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// The canary test: a verification runs over the endpoints on a SQLite file,
// with everything logged. Then answers, cookies, log and files are searched for
// what nobody may find there.
func TestNoSecretIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := quick(w).onFile(t)
	r := start(t, o)
	c := newCaller(t, r, "beijing")
	c.self.Password = `Pw"7f3a/91&x`
	g := c.apply()
	g = c.post("password", fields{"step": g.Screen.Step, "password": c.self.Password})
	require.Equal(t, "password", g.Screen.Form.Input, "it was wrong")
	w.FaultNext(simulator.DropAfterReading())
	step := g.Screen.Step
	g = c.post("password", fields{"step": step, "password": customer(t, "beijing").Password})
	require.Contains(t, g.Screen.Title, "No attempts left")
	c.send("POST", "/api/anew", "{}")
	c.self.Password = customer(t, "beijing").Password
	g = c.password()
	code := w.code(t, c.self)
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": "987654"})
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": code})
	g = c.post("query_password", fields{"step": g.Screen.Step, "password": c.self.QueryPassword})
	require.Equal(t, "done", g.Screen.Tone, g.body)
	tickets := c.ticket()
	random, _, _ := strings.Cut(tickets, ".")

	r.stop()
	places := map[string]string{"the log": r.log.String(), "answers and cookies": strings.Join(*c.all, "\n")}
	path, _ := sqlitePath(o.store)
	var plain string
	for _, file := range globbed(t, path) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		plain += string(text)
	}
	places["the files"] = plain
	for name, text := range places {
		require.NotEmpty(t, text, name)
		for what, secret := range map[string]string{
			"a wrong password": `Pw"7f3a/91&x`, "the password": c.self.Password, "the query password": c.self.QueryPassword,
			"a wrong code": "987654", "the code": code, "the name": c.self.Name, "the ID card": c.self.IDCard, "the number": c.self.Phone,
			"the token": random,
		} {
			if what == "the token" && name == "answers and cookies" {
				continue // which is where it belongs
			}
			for _, form := range forms(secret) {
				require.False(t, strings.Contains(text, form), "%s is in %s", what, name)
			}
		}
	}
	require.Contains(t, r.log.String(), "verification ended")
	require.Contains(t, r.log.String(), "POST /api/verification/{input}")
}

// forms are those in which a value could have been written down.
func forms(value string) []string {
	return []string{value, url.QueryEscape(value), hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))}
}

// globbed are the database and what lies beside it, but for the key.
func globbed(t *testing.T, path string) (files []string) {
	all, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	for _, file := range all {
		if !strings.HasSuffix(file, ".key") {
			files = append(files, file)
		}
	}
	require.NotEmpty(t, files)
	return files
}

// Tickets can't be guessed, and none follows from an id or from another one.
func TestATicketIsNotItsVerificationsID(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 1000 {
		a := newTicket()
		require.Len(t, a.random, 43, "256 bits")
		b := a
		b.number = "number"
		for _, value := range []string{a.random, a.id(), b.id()} {
			require.False(t, seen[value])
			seen[value] = true
		}
		require.NotContains(t, a.id(), a.random[:8])
	}
}
