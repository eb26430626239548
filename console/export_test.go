package console

import (
	"regexp"
	"slices"
	"strings"
)

// Untranslated returns the texts of the templates and of the code that have no Chinese one.
func Untranslated() (list []string) {
	word := regexp.MustCompile(`[A-Za-z]{2,}`)
	note := func(text string) string {
		text = strings.TrimSpace(text)
		if _, known := chinese.words[text]; !known && word.MatchString(text) && !strings.HasPrefix(text, "&") {
			list = append(list, text)
		}
		return text
	}
	for _, page := range pagesIn(english) {
		for _, t := range page.Templates() {
			if t.Tree != nil {
				p := place{change: note}
				p.walk(t.Tree.Root)
			}
		}
	}
	for _, text := range noticeAfter {
		note(text)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// ToChinese translates the texts of a piece of HTML.
func ToChinese(html string) string {
	p := place{change: chinese.of}
	return p.html(html)
}
