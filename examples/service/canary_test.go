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

// A verification runs over the endpoints on a SQLite file, with all log levels. Then
// responses, cookies, log and files are searched for secrets and personal data.
func TestNoSecretIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	o := testOptions(w).onSQLite(t)
	o.budgets.Passwords = 9
	r := start(t, o)
	c := newAPIClient(t, r, "beijing")
	c.person.Password = `Pw"7f3a/91&x`
	g := c.apply()
	g = c.post("password", fields{"step": g.Screen.Step, "password": c.person.Password})
	require.EqualValues(t, "password", g.Screen.Form.Input, "the password was wrong")
	w.FaultNext(simulator.DropAfterReading())
	step := g.Screen.Step
	g = c.post("password", fields{"step": step, "password": personAt(t, "beijing").Password})
	require.Contains(t, g.Screen.Title, "Your carrier did not answer")
	c.send("POST", "/api/anew", "{}")
	c.person.Password = personAt(t, "beijing").Password
	g = c.password()
	code := w.code(t, c.person)
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": "987654"})
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": code})
	g = c.post("query_password", fields{"step": g.Screen.Step, "password": c.person.QueryPassword})
	require.Equal(t, "done", g.Screen.Tone, g.body)
	random, _, _ := strings.Cut(c.ticket(), ".")

	r.stop()
	places := map[string]string{"the log": r.log.String(), "responses and cookies": strings.Join(*c.all, "\n")}
	path, _ := sqlitePath(o.store)
	var plain string
	for _, file := range databaseFiles(t, path) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		plain += string(text)
	}
	places["the files"] = plain
	for name, text := range places {
		require.NotEmpty(t, text, name)
		for what, secret := range map[string]string{
			"a wrong password": `Pw"7f3a/91&x`, "the password": c.person.Password, "the query password": c.person.QueryPassword,
			"a wrong code": "987654", "the code": code, "the name": c.person.Name, "the ID card": c.person.IDCard, "the number": c.person.Phone,
			"the token": random,
		} {
			if what == "the token" && name == "responses and cookies" {
				continue // the ticket's cookie
			}
			for _, form := range encodings(secret) {
				require.False(t, strings.Contains(text, form), "%s is in %s", what, name)
			}
		}
	}
	require.Contains(t, r.log.String(), "verification ended")
	require.Contains(t, r.log.String(), "POST /api/")
}

// encodings returns a value in the encodings that could occur.
func encodings(value string) []string {
	return []string{value, url.QueryEscape(value), hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))}
}

// databaseFiles returns the database and the files next to it, except the key.
func databaseFiles(t *testing.T, path string) (files []string) {
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
