package console_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func TestTheDiagramShowsTheTransitionTable(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{}, fsmtest.Code("10003"), fsmtest.Code("10002"))
	s.must(s.Apply())
	s.must(s.Password("111111"))
	s.must(s.Password("246810"))
	page := s.page("verification?id=v1")
	events := make(map[string]string) // of each arrow, by "from>to"
	taken, steps := make(map[string]bool), make(map[string]string)
	for _, m := range regexp.MustCompile(`<g class="arrow( taken)?"><title>([a-z ]+) to ([a-z ]+): ([^<;]*)(?:; step ([0-9, –]+))?</title>`).FindAllStringSubmatch(page, -1) {
		arrow := m[2] + ">" + m[3]
		require.NotContains(t, events, arrow, "one arrow for all events between two states")
		events[arrow], taken[arrow] = m[4], m[1] != ""
		if m[5] != "" {
			steps[arrow] = m[5]
		}
	}
	want := make(map[string]int)
	name := func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") }
	for _, e := range carrierfsm.Edges() {
		arrow := name(e.From) + ">" + name(e.To)
		want[arrow]++
		require.Contains(t, strings.Split(events[arrow], ", "), name(e.Event), arrow)
	}
	require.Len(t, events, len(want))
	for arrow, n := range want {
		require.Len(t, strings.Split(events[arrow], ", "), n, arrow)
		wantTaken := map[string]bool{
			"created>applied": true, "applied>awaiting password": true, "awaiting password>awaiting password": true, "awaiting password>awaiting captcha": true,
		}
		require.Equal(t, wantTaken[arrow], taken[arrow], arrow)
	}
	require.Equal(t, map[string]string{
		"created>applied": "1", "applied>awaiting password": "2", "awaiting password>awaiting password": "3", "awaiting password>awaiting captcha": "4",
	}, steps)
	for i, event := range []string{"application accepted", "password requested", "password rejected", "captcha requested"} {
		require.Regexp(t, fmt.Sprintf(`<text class="number"[^>]*>%d</text><text[^>]*>12:00:00 %s</text>`, i+1, event), page)
	}
	require.Contains(t, page, `class="box awaiting_captcha visited present"`)
	require.Contains(t, page, `class="box awaiting_password visited"`)
	require.Contains(t, page, `class="box done"`)
	require.Contains(t, page, "The verification is in awaiting captcha, and was in created, applied, awaiting password.")
}

func TestAnArrowNamesItsStepsOrTheirNumber(t *testing.T) {
	t.Parallel()
	rejected := []fsmtest.Answer{fsmtest.Code("10002")}
	for range 4 {
		rejected = append(rejected, fsmtest.Code("10004"))
	}
	s := newFixture(t, carrierfsm.Config{Limits: carrierfsm.Limits{Captchas: 9}}, rejected...)
	s.must(s.Apply())
	s.must(s.Password("246810"))
	require.Contains(t, s.page("verification?id=v1"), ">3</text>")
	for range 4 {
		s.must(s.Captcha("500001"))
	}
	page := s.page("verification?id=v1")
	require.Contains(t, page, "; step 4–7</title>")
	require.Contains(t, page, ">4–7</text>")
}
