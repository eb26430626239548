package write_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

func TestACloneKeepsItsValuesWhenTheCallerReusesTheBuffers(t *testing.T) {
	t.Parallel()
	r := write.Request{
		Record:  carrierfsm.Record{ID: "v1", Key: "key", Body: []byte("body")},
		Entries: []carrierfsm.Entry{{ID: "v1", Step: 1, Detail: []byte("detail")}, {ID: "v1", Step: 2}},
	}
	c := r.Clone()
	clear(r.Record.Body)
	clear(r.Entries[0].Detail)
	clear(r.Entries)
	require.Equal(t, write.Request{
		Record:  carrierfsm.Record{ID: "v1", Key: "key", Body: []byte("body")},
		Entries: []carrierfsm.Entry{{ID: "v1", Step: 1, Detail: []byte("detail")}, {ID: "v1", Step: 2}},
	}, c)
	require.Equal(t, batch.Locks{ID: "v1", Key: "key"}, c.Locks())
}

func TestAMissingBodyIsStoredAsAnEmptyOne(t *testing.T) {
	t.Parallel()
	require.Equal(t, []byte{}, write.Body(&carrierfsm.Record{}))
	require.Equal(t, []byte("body"), write.Body(&carrierfsm.Record{Body: []byte("body")}))
}
