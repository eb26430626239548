package telemetry

import "sync"

// otherSource is the label of all websites without a label of their own.
const otherSource = "other"

// sources gives the first max websites a label of their own. Upstream sends
// their names, so there may be many, and they may be anything.
type sources struct {
	max int

	mu    sync.RWMutex
	names map[string]bool
}

// label returns the value of verification.source for a website.
func (s *sources) label(website string) string {
	if website == "" {
		return ""
	}
	s.mu.RLock()
	known := s.names[website]
	s.mu.RUnlock()
	if known || looksLikeWebsite(website) && s.add(website) {
		return website
	}
	return otherSource
}

func (s *sources) add(website string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = make(map[string]bool)
	}
	if len(s.names) < s.max {
		s.names[website] = true
	}
	return s.names[website]
}

// looksLikeWebsite reports whether a name is short and has letters and at most
// four digits: fewer than any personal number.
func looksLikeWebsite(website string) bool {
	digits := 0
	for _, c := range []byte(website) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-', c == '.':
		case '0' <= c && c <= '9':
			digits++
		default:
			return false
		}
	}
	return len(website) <= 40 && digits <= 4
}
