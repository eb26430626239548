package browsertest

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
)

// maxPictureBytes is the size limit of a picture for a document.
const maxPictureBytes = 100 << 10

// Picture writes the whole page as a PNG of at most 256 colours, small enough for a
// document. It creates the file's folder.
func (t *Tab) Picture(path string) {
	t.tb.Helper()
	whole, err := png.Decode(bytes.NewReader(t.PNG()))
	if err != nil {
		t.tb.Fatal(err)
	}
	small := image.NewPaletted(whole.Bounds(), commonColours(whole))
	draw.Draw(small, small.Bounds(), whole, image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		t.tb.Fatal(err)
	}
	if out.Len() > maxPictureBytes {
		t.tb.Fatalf("browsertest: the picture %s would have %d bytes", path, out.Len())
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.tb.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.tb.Fatal(err)
	}
}

// commonColours returns the 256 most frequent colours of a picture.
func commonColours(picture image.Image) (colours color.Palette) {
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
