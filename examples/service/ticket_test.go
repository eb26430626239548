package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// With HTTPS the cookies are Secure, with names that sibling domains can't set.
func TestCookiesAreSecureWithHTTPS(t *testing.T) {
	t.Parallel()
	o := testOptions(newAggregator(t))
	o.https = true
	g := newAPIClient(t, start(t, o), "plain").get()
	require.Regexp(t, `^__Host-ticket=[\w-]{43}; Path=/; Max-Age=7200; HttpOnly; Secure; SameSite=Strict$`, g.header.Get("Set-Cookie"))
	require.NotEmpty(t, g.header.Get("Strict-Transport-Security"))
}

// Tickets can't be guessed, nor derived from an id.
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
