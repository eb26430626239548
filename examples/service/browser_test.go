package main

import (
	"testing"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

func TestLook(t *testing.T) {
	r := start(t, quick(nil))
	for _, lang := range []string{"zh-CN", "en"} {
		for name, v := range map[string]browsertest.View{"phone": browsertest.Phone, "narrow": browsertest.Narrow, "wide": browsertest.Wide, "dark": browsertest.Phone.AtNight()} {
			tab := browser.Tab(t, v.In(lang))
			tab.Open(r.url)
			tab.WaitFor("document.querySelector('input[name=name]') && document.querySelector('#phone dd')")
			tab.Screenshot(lang + "-" + name)
			tab.Accessible()
		}
	}
}
