package console

import (
	"regexp"
	"slices"
	"strings"
)

// Untranslated returns the texts of the templates and of the code that have no Chinese one.
func Untranslated() (list []string) {
	word := regexp.MustCompile(`[A-Za-z]{2,}`)
	note := func(part, text string) string {
		text = strings.TrimSpace(text)
		if _, known := chinese.words[part][text]; !known && word.MatchString(text) && !strings.HasPrefix(text, "&") {
			list = append(list, text)
		}
		return text
	}
	for _, page := range pagesIn(english) {
		for _, t := range page.Templates() {
			if t.Tree != nil {
				p := place{change: func(text string) string { return note(ofTemplates, text) }}
				p.walk(t.Tree.Root)
			}
		}
	}
	for _, text := range noticeAfter {
		note(ofCode, text)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Unused returns the Chinese texts of templates of which no template has the English one.
func Unused() (list []string) {
	used := make(map[string]bool)
	note := func(text string) string {
		used[strings.TrimSpace(text)] = true
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
	for text := range chinese.words[ofTemplates] {
		if !used[text] {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return list
}

// ToChinese translates the texts of a piece of HTML.
func ToChinese(html string) string {
	p := place{change: func(text string) string { return chinese.of(ofTemplates, text) }}
	return p.html(html)
}
