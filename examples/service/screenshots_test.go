package main

import (
	"bytes"
	"flag"
	"image"
	"image/color/palette"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

var screenshots = flag.String("screenshots", "", "the folder to write the README's pictures to, by TestScreenshots")

// TestScreenshots makes the README's pictures of the page:
//
//	go test ./examples/service -run TestScreenshots -screenshots "$PWD/docs/images"
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("writes files; -screenshots names the folder")
	}
	p := visit(t, start(t, quick(nil)), nil, "plain", browsertest.View{Width: 900, Height: 560, Scale: 1, Language: "en"})
	p.WaitFor("document.querySelector('#phone dd')")
	p.Click("#phone > button:nth-of-type(1)")
	p.Click("input[name=consent]")
	p.Click("#screen form button.main")
	p.sees("Enter your service password")
	p.Click("#phone dd button")
	p.Click("#screen form button.main")
	p.sees("Enter the code")
	p.Click("#phone li button")
	p.save("service.png")
}

// save writes the page as a picture of few colours, which a README loads fast.
func (p *visitor) save(name string) {
	whole, err := png.Decode(bytes.NewReader(p.PNG()))
	require.NoError(p.t, err)
	small := image.NewPaletted(whole.Bounds(), palette.Plan9)
	draw.Draw(small, small.Bounds(), whole, image.Point{}, draw.Src)
	var out bytes.Buffer
	require.NoError(p.t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small))
	require.Less(p.t, out.Len(), 100<<10)
	require.NoError(p.t, os.MkdirAll(*screenshots, 0o750))
	require.NoError(p.t, os.WriteFile(filepath.Join(*screenshots, name), out.Bytes(), 0o600))
}
