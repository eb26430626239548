package telemetry

import "sync"

// other is what websites count as that the metrics do not tell apart.
const other = "other"

// sources are the websites that the metrics tell apart: the first so many that
// come by. Upstream names them, so they can't be trusted to be few, or names.
type sources struct {
	most int

	mu    sync.RWMutex
	known map[string]bool
}

// name is a website as the metrics name it.
func (s *sources) name(website string) string {
	if website == "" {
		return ""
	}
	s.mu.RLock()
	known := s.known[website]
	s.mu.RUnlock()
	if known || plausible(website) && s.learn(website) {
		return website
	}
	return other
}

func (s *sources) learn(website string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[string]bool)
	}
	if len(s.known) < s.most {
		s.known[website] = true
	}
	return s.known[website]
}

// plausible tells whether it could be the name of a website: short, of letters
// and a few digits, fewer than any number of a person's has.
func plausible(website string) bool {
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
