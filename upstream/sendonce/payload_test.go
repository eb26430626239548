package sendonce_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

func TestAWipedBodyCannotBeRead(t *testing.T) {
	t.Parallel()
	body := []byte("246810")
	p := sendonce.NewPayload(body)
	half := make([]byte, 3)
	n, err := p.Read(half)
	require.NoError(t, err)
	require.Equal(t, "246", string(half[:n]))
	p.Wipe()
	_, err = p.Read(half)
	require.ErrorIs(t, err, sendonce.ErrCallEnded)
	require.Equal(t, make([]byte, 6), body)
}
