package main

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

var screenshots = flag.String("screenshots", "", "the folder to write the README's picture of the page to, by TestScreenshots")

// TestScreenshots makes the README's picture of the page:
//
//	go test ./examples/service -run TestScreenshots -screenshots "$PWD/docs/images"
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("writes a file; -screenshots names the folder")
	}
	o := quick(nil)
	o.machine.ResendAfter = time.Minute
	p := visit(t, start(t, o), nil, "plain", browsertest.View{Width: 1040, Height: 600, Scale: 1, Language: "en"})
	p.WaitFor("document.querySelector('#phone dd')")
	p.Click("#phone > button:nth-of-type(1)")
	p.Click("input[name=consent]")
	p.Click("#screen form button.main")
	p.sees("Enter your service password")
	p.Click("#phone dd button")
	p.Click("#screen form button.main")
	p.sees("Enter the code")
	p.Click("#phone li button")
	p.Picture(filepath.Join(*screenshots, "service.png"))
}
