package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// answering is an upstream that wants a code after each password, and then is
// content.
type answering struct{}

func (answering) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{
		Accepted: true, Token: "00000000000000000000000000000001",
		Source: carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true},
	}, nil
}

func (answering) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if r.Input == carrierfsm.InputPassword {
		return carrierfsm.Reply{Success: true, Code: "10002", Type: "CONTROL", Content: "输入动态密码"}, nil
	}
	return carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL", Content: "开始采集行为数据", Finish: true}, nil
}

// BenchmarkPlainVerification runs plain verifications from created to done, by
// so many drivers at once, on a server that waits for the disk: seven commits
// and four transitions each. It tells what they leave in the database.
func BenchmarkPlainVerification(b *testing.B) {
	for _, drivers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("drivers=%d", drivers), func(b *testing.B) {
			pool := pgtest.Pool(b, durable.Cluster(b).NewDatabase(b), 10)
			s, _ := openOn(b, pool)
			m, err := carrierfsm.New(carrierfsm.Config{Store: s, Upstream: answering{}})
			require.NoError(b, err)
			var before, after int64
			const size = `SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'carrierfsm%' AND relkind = 'r'`
			require.NoError(b, pool.QueryRow(context.Background(), size).Scan(&before))
			b.ResetTimer()
			begun := time.Now()
			var all sync.WaitGroup
			for d := range drivers {
				all.Go(func() {
					for range (b.N + drivers - 1 - d) / drivers {
						if err := plainVerification(m); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			took := time.Since(begun)
			b.StopTimer()
			require.NoError(b, pool.QueryRow(context.Background(), size).Scan(&after))
			b.ReportMetric(float64(b.N)/took.Seconds(), "verifications/s")
			b.ReportMetric(float64(after-before)/float64(b.N), "B/verification")
		})
	}
}

func plainVerification(m *carrierfsm.Machine) error {
	ctx := context.Background()
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	if err == nil {
		v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	}
	if err == nil {
		v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	}
	if err == nil {
		v, err = m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("500001")})
	}
	if err == nil && v.State != carrierfsm.Done {
		err = fmt.Errorf("it ended in %s", v.State)
	}
	return err
}
