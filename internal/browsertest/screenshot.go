package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"

	"github.com/chromedp/chromedp"
)

// screenshotsVariable is the environment variable with the folder for Screenshot.
const screenshotsVariable = "CARRIERFSM_SCREENSHOTS"

var invalidInNames = regexp.MustCompile(`[^\pL\pN_.-]+`)

// Screenshot writes the whole page as name.png into the folder of
// CARRIERFSM_SCREENSHOTS, which must be absolute because go test changes the working
// directory. Without the variable it does nothing.
func (t *Tab) Screenshot(name string) {
	t.tb.Helper()
	folder := os.Getenv(screenshotsVariable)
	if folder == "" {
		return
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.tb.Fatal(err)
	}
	file := filepath.Join(folder, invalidInNames.ReplaceAllString(name, "-")+".png")
	if err := os.WriteFile(file, t.PNG(), 0o600); err != nil {
		t.tb.Fatal(err)
	}
}

// PNG returns a picture of the whole page.
func (t *Tab) PNG() []byte {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, stepTimeout)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.tb.Fatalf("browsertest: no screenshot: %v", err)
	}
	return picture
}
