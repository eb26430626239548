package main

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

var screenshots = flag.String("screenshots", "", "the folder to write the README's pictures to, by TestScreenshots")

// TestScreenshots writes the README's pictures of the page and of the console:
//
//	go test ./examples/service -run TestScreenshots -screenshots "$PWD/docs/images"
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("writes files; -screenshots names the folder")
	}
	o := withConsole(testOptions(nil))
	o.machine.ResendAfter = time.Minute
	r := start(t, o)
	p := visit(t, r, nil, "plain", browsertest.View{Width: 1040, Height: 600, Scale: 1, Language: "en"})
	p.WaitFor("document.querySelector('#phone dd')")
	p.Click("#phone > button:nth-of-type(1)")
	p.agree()
	p.Click("#screen form button.main")
	p.waitForTitle("Enter your service password")
	p.enter("password", "000000")
	p.WaitForText("Wrong service password")
	p.waitUntilSettled()
	p.Click("#phone dd button")
	p.Click("#screen form button.main")
	p.waitForTitle("Enter the code")
	p.Click("#phone li button")
	p.Picture(filepath.Join(*screenshots, "service.png"))
	p.Click("#screen form button.main")
	p.waitForTitle("Verified")

	operator := browser.Tab(t, browsertest.View{Width: 1160, Height: 600, Scale: 1})
	operator.Open(r.consoleURL())
	operator.Open(r.console + "list")
	operator.Follow("tbody th a")
	operator.WaitForText("collection started")
	operator.Picture(filepath.Join(*screenshots, "console.png"))
}
