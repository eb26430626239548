package browsertest

import (
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// View is how a tab shows a page, and to whom. The zero value is Wide.
type View struct {
	// Width and Height are in CSS pixels. Default to 1280 and 800.
	Width, Height int64
	// Scale is how many pixels of the screen one of CSS has. Defaults to 1.
	Scale float64
	// Mobile is a phone: touch, no mouse, and the viewport of the page's meta tag.
	Mobile bool
	// Language is what the browser says its person reads, "zh-CN" for instance.
	// Defaults to "en".
	Language string
	// Dark asks the page for its dark colours.
	Dark bool
}

// The views that most tests want.
var (
	// Phone is a usual phone.
	Phone = View{Width: 390, Height: 844, Scale: 2, Mobile: true}
	// Narrow is the smallest screen that a page has to fit.
	Narrow = View{Width: 320, Height: 568, Scale: 2, Mobile: true}
	// Wide is a screen on a desk.
	Wide = View{Width: 1280, Height: 800, Scale: 1}
)

// In is the view of somebody who reads this language.
func (v View) In(language string) View {
	v.Language = language
	return v
}

// AtNight is the view in dark colours.
func (v View) AtNight() View {
	v.Dark = true
	return v
}

func (v View) withDefaults() View {
	if v.Width == 0 {
		v.Width, v.Height = Wide.Width, Wide.Height
	}
	if v.Scale == 0 {
		v.Scale = 1
	}
	if v.Language == "" {
		v.Language = "en"
	}
	return v
}

// actions make a tab show pages so. agent is the browser's own name.
func (v View) actions(agent string) []chromedp.Action[chromedp.Void] {
	viewport := []chromedp.EmulateViewportOption{chromedp.EmulateScale(v.Scale)}
	if v.Mobile {
		viewport = append(viewport, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	colours := "light"
	if v.Dark {
		colours = "dark"
	}
	return []chromedp.Action[chromedp.Void]{
		chromedp.EmulateViewport(v.Width, v.Height, viewport...),
		command(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: v.Language}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: colours},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // nothing moves in a screenshot
			},
		}),
	}
}
