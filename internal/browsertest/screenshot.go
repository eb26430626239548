package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"

	"github.com/chromedp/chromedp"
)

// screenshots names the folder that Screenshot writes to.
const screenshots = "CARRIERFSM_SCREENSHOTS"

var notInNames = regexp.MustCompile(`[^\pL\pN_.-]+`)

// Screenshot writes the whole page as name.png into the folder that the
// environment's CARRIERFSM_SCREENSHOTS names, by an absolute path because go
// test changes the folder. Without one it does nothing.
func (t *Tab) Screenshot(name string) {
	t.tb.Helper()
	folder := os.Getenv(screenshots)
	if folder == "" {
		return
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.tb.Fatal(err)
	}
	file := filepath.Join(folder, notInNames.ReplaceAllString(name, "-")+".png")
	if err := os.WriteFile(file, t.PNG(), 0o600); err != nil {
		t.tb.Fatal(err)
	}
}

// PNG returns the whole page as a picture.
func (t *Tab) PNG() []byte {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.tb.Fatalf("browsertest: no screenshot: %v", err)
	}
	return picture
}
