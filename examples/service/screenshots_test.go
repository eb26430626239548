package main

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

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
	p.save("service.png")
}

// save writes the page as a picture of few colours, which a README loads fast.
func (p *visitor) save(name string) {
	whole, err := png.Decode(bytes.NewReader(p.PNG()))
	require.NoError(p.t, err)
	small := image.NewPaletted(whole.Bounds(), commonest(whole))
	draw.Draw(small, small.Bounds(), whole, image.Point{}, draw.Src)
	var out bytes.Buffer
	require.NoError(p.t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small))
	require.Less(p.t, out.Len(), 100<<10)
	require.NoError(p.t, os.MkdirAll(*screenshots, 0o750))
	require.NoError(p.t, os.WriteFile(filepath.Join(*screenshots, name), out.Bytes(), 0o600))
}

// commonest are the 256 colours that a picture has most of.
func commonest(picture image.Image) (colours color.Palette) {
	count := make(map[color.Color]int)
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			c := picture.At(x, y)
			if count[c]++; count[c] == 1 {
				colours = append(colours, c)
			}
		}
	}
	slices.SortStableFunc(colours, func(a, b color.Color) int { return count[b] - count[a] })
	return colours[:min(256, len(colours))]
}
