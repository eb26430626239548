package juxinli_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

func TestAnOperatorIsFoundByItsNumbers(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]juxinli.Operator{
		"13800138000": juxinli.ChinaMobile, "19800138000": juxinli.ChinaMobile, "13400138000": juxinli.ChinaMobile,
		"13000138000": juxinli.ChinaUnicom, "19600138000": juxinli.ChinaUnicom,
		"13300138000": juxinli.ChinaTelecom, "19900138000": juxinli.ChinaTelecom,
		"13490138000": "", "17000138000": "", "19200138000": "", "1380013800": "", "138001380000": "", "": "", "abcdefghijk": "",
	} {
		got, ok := juxinli.OperatorOf(phone)
		require.Equal(t, want, got, phone)
		require.Equal(t, want != "", ok, phone)
	}
	require.Equal(t, "chinamobilejs", juxinli.ChinaMobile.Website("JS"))
	require.Equal(t, "chinatelecomjl", juxinli.ChinaTelecom.Website("jl"))
	require.Equal(t, "chinaunicom", juxinli.ChinaUnicom.Website("js"))
}
