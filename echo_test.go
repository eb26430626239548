package carrierfsm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The website of a source is a column, is sent back and is counted by. One
// that repeats what was sent would take it there.
func TestASourceThatRepeatsWhatWasSentIsNotTaken(t *testing.T) {
	t.Parallel()
	for value, b := range map[string]*fsmtest.Bench{
		"Pw7f3a91":    fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Next("chinaPw7f3a91")),
		"13800138000": fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Next("13800138000")),
	} {
		_, err := b.Apply()
		require.NoError(t, err)
		v, err := b.Password("Pw7f3a91")
		require.NoError(t, err)
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Reason, value)
		require.Equal(t, "chinamobilejs", v.Source.Website, value)
		for _, tr := range b.History() {
			require.NotContains(t, tr.Detail.Source, value)
		}
	}
	for _, website := range []string{"13800138000", "china-00000000000000000000000000000001"} { // the number, the token
		v, err := fsmtest.New(t, fsmtest.Accept(website)).Apply()
		require.NoError(t, err)
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Reason)
		require.Empty(t, v.Source)
	}
}

// Four characters with a digit are a value; fewer may be a word.
func TestAValueTooShortToBeOneIsNotLookedForInAWebsite(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{"1234": "chinamobilejs", "123": "china123"} {
		b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Next("china"+password))
		_, err := b.Apply()
		require.NoError(t, err)
		v, err := b.Password(password)
		require.NoError(t, err)
		require.Equal(t, want, v.Source.Website)
	}
}

func TestTheNameOfASourceIsCleared(t *testing.T) {
	t.Parallel()
	next := carrierfsm.Source{Website: "chinaunicom", Name: "联通 Pw7f3a91 13800138000", Online: true}
	b := fsmtest.New(t,
		fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动 测试用户", Online: true}),
		fsmtest.Reply(carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL", Next: &next}))
	v, err := b.Apply()
	require.NoError(t, err)
	require.Equal(t, "江苏移动 ****", v.Source.Name)
	v, err = b.Password("Pw7f3a91")
	require.NoError(t, err)
	require.Equal(t, "联通 **** ****", v.Source.Name)
	require.Equal(t, "联通 Pw7f3a91 13800138000", next.Name, "what upstream returned is its own")
}

// A word of an address is no reason to refuse an operator.
func TestAnAddressThatIsPartOfAWebsiteRefusesNothing(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"))
	form := fsmtest.Form()
	form.HomeAddress = "china"
	v, err := b.Machine.Submit(context.Background(), b.ID, carrierfsm.Apply{Form: form, Consent: fsmtest.Consent()})
	require.NoError(t, err)
	require.Equal(t, carrierfsm.AwaitingPassword, v.State)
}
