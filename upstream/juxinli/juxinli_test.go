package juxinli_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestJuxinliKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, contractSubject)
}

func TestDatasourcesAreListed(t *testing.T) {
	t.Parallel()
	c, _, _ := newSimulated(t)
	list, err := c.Datasources(t.Context())
	require.NoError(t, err)
	require.Len(t, list, len(simulator.Carriers()))
	require.Empty(t, cmp.Diff(carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true}, list[0]))
}

func TestApplicationsOfBothVersions(t *testing.T) {
	t.Parallel()
	_, _, server := newSimulated(t)
	for _, v3 := range []bool{false, true} {
		c := newClient(t, server.URL, func(cfg *juxinli.Config) { cfg.ApplicationsV3 = v3 })
		receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: form(simulator.People()[0])})
		require.NoError(t, err)
		require.True(t, receipt.Accepted)
		require.Len(t, fsmtest.Reveal(receipt.Token), 32)
		require.Equal(t, "chinamobilejs", receipt.Source.Website)
		refused, err := c.Apply(t.Context(), carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret("无"), IDCard: carrierfsm.NewSecret("无"), Phone: carrierfsm.NewSecret("13800138098")}})
		require.NoError(t, err)
		require.False(t, refused.Accepted)
		require.Equal(t, "申请信息有误", fsmtest.Reveal(refused.Message))
	}
}
