package proof_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

var oldKey, newKey = seal.Key{ID: "2026-03", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")},
	seal.Key{ID: "2026-04", Key: carrierfsm.NewSecret("fedcba9876543210fedcba9876543210")}

func sealedWith(t *testing.T, keys ...seal.Key) func(*carrierfsm.Config) {
	t.Helper()
	s, err := seal.New(keys...)
	require.NoError(t, err)
	return func(c *carrierfsm.Config) { c.Sealer, c.RefuseUnbound = s, true }
}

// files returns what the server's files hold of the tables: rows that are dead, and
// the log that was written ahead.
func (d *database) files(t *testing.T) (all []byte) {
	t.Helper()
	d.do(t, "CHECKPOINT")
	rows, err := d.db.QueryContext(context.Background(), `
		SELECT pg_read_binary_file(pg_relation_filepath('carrierfsm_verifications'))
		UNION ALL SELECT pg_read_binary_file(pg_relation_filepath('carrierfsm_history'))
		UNION ALL SELECT pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir()`)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var file []byte
		require.NoError(t, rows.Scan(&file))
		all = append(all, file...)
	}
	require.NoError(t, rows.Err())
	return all
}

// stored is a store that has one record only.
type stored struct {
	carrierfsm.Store
	record carrierfsm.Record
}

func (s stored) Load(context.Context, string) (carrierfsm.Record, error) { return s.record, nil }

func TestOnPostgresWhatWasErasedEndsWithTheKeyThatSealedIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := postgresDatabase(t)
	plain := fsmtest.NewWith(t, carrierfsm.Config{Store: d})
	plain = plain.Create(carrierfsm.NewVerification{ID: "plain"})
	plain.Reach("10002")
	d.do(t, "DELETE FROM carrierfsm_verifications WHERE id = 'v1'")
	require.NoError(t, plain.Machine.Erase(ctx, plain.ID))
	require.Contains(t, string(d.files(t)), "13800138000", "without a Sealer an erased number stays in the files")

	cfg := carrierfsm.Config{Store: d}
	sealedWith(t, oldKey)(&cfg)
	b := fsmtest.NewWith(t, cfg)
	sealed := b.Create(carrierfsm.NewVerification{ID: "sealed"})
	sealed.Reach("10002")
	erased := sealed.Record()
	require.NoError(t, sealed.Machine.Erase(ctx, sealed.ID))
	require.Contains(t, string(d.files(t)), string(erased.Body), "its ciphertext stays too")

	rotated := b.Replica(sealedWith(t, newKey, oldKey))
	for _, id := range []string{b.ID, sealed.ID} {
		require.NoError(t, rotated.Machine.Reseal(ctx, id))
	}
	after := b.Replica(sealedWith(t, newKey)) // the old key is destroyed
	for _, id := range []string{b.ID, sealed.ID} {
		_, err := after.Machine.Get(ctx, id)
		require.NoError(t, err)
		_, err = after.Machine.History(ctx, id)
		require.NoError(t, err)
	}
	leftover := func(c *carrierfsm.Config) { c.Store = stored{d, erased} }
	opened, err := rotated.Replica(leftover).Machine.Read(ctx, sealed.ID)
	require.NoError(t, err, "with the old key what is in the files can be read")
	require.Equal(t, "138****8000", opened.Account)
	_, err = after.Replica(leftover).Machine.Read(ctx, sealed.ID)
	require.ErrorIs(t, err, carrierfsm.ErrSealed, "without it not")
}
