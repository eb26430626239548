package browsertest

import (
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// View configures how a tab shows pages. The zero value is Wide.
type View struct {
	// Width and Height are in CSS pixels. Default to 1280 and 800.
	Width, Height int64
	// Scale is the number of screen pixels for a CSS pixel. Defaults to 1.
	Scale float64
	// Mobile emulates a phone: touch, no mouse, and the viewport of the meta tag.
	Mobile bool
	// Language is the browser's preferred language, for instance "zh-CN". Defaults
	// to "en".
	Language string
	// Dark prefers the dark colour scheme.
	Dark bool
}

// Common views.
var (
	// Phone is a typical phone.
	Phone = View{Width: 390, Height: 844, Scale: 2, Mobile: true}
	// Narrow is the smallest screen that a page must fit.
	Narrow = View{Width: 320, Height: 568, Scale: 2, Mobile: true}
	// Wide is a desktop screen.
	Wide = View{Width: 1280, Height: 800, Scale: 1}
)

// In returns the view with a preferred language.
func (v View) In(language string) View {
	v.Language = language
	return v
}

// InDarkMode returns the view with the dark colour scheme.
func (v View) InDarkMode() View {
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

// actions returns the actions that apply the view to a tab. agent is the browser's
// own user agent.
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
