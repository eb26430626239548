package simulator

import (
	"net/http"
	"time"
)

// accessToken is an issued access token in the saved state. Its value is derived
// from the seed and its index.
type accessToken struct {
	At        time.Time `json:"at"`
	Hour      bool      `json:"hour,omitempty"` // for one hour, not for 24
	Permanent bool      `json:"forever"`
	Revoked   bool      `json:"revoked"`
}

// reportToken issues an access token: with "hours" 1 or 24 one that expires, with
// "per" one that does not. Earlier tokens stay valid.
func (s *Server) reportToken(r *http.Request) Answer {
	query := r.URL.Query()
	if query.Get("org_name") != s.cfg.Org {
		return dataRefusal(badClientSecret, "client_secret不正确")
	}
	if refused := s.refuseClient(r); refused != nil {
		return *refused
	}
	hours := query.Get("hours")
	if hours != "1" && hours != "24" && hours != "per" {
		return dataRefusal(badAccessToken, "hours参数错误")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.AccessTokens = append(s.state.AccessTokens, accessToken{At: s.cfg.Now(), Hour: hours == "1", Permanent: hours == "per"})
	value := s.seed.accessToken(len(s.state.AccessTokens))
	return dataAnswer(object{"access_token": value, "expires_in": hours})
}

// RevokeAccessTokens invalidates all issued access tokens (20007), as upstream may
// do at any time.
func (s *Server) RevokeAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.state.AccessTokens {
		s.state.AccessTokens[i].Revoked = true
	}
}

// AccessTokens returns how many access tokens were issued.
func (s *Server) AccessTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.state.AccessTokens)
}

// refuseClient returns the refusal of a client with a wrong secret or a frozen
// institution, and nil for any other.
func (s *Server) refuseClient(r *http.Request) *Answer {
	var refusal Answer
	switch {
	case r.URL.Query().Get("client_secret") != s.cfg.ClientSecret:
		refusal = dataRefusal(badClientSecret, "client_secret不正确")
	case s.cfg.Frozen:
		refusal = dataRefusal(orgFrozen, "机构已被冻结")
	default:
		return nil
	}
	return &refusal
}

// validAccessToken reports whether an access token is valid. The caller holds the
// lock.
func (s *Server) validAccessToken(value string) bool {
	for i, t := range s.state.AccessTokens {
		if value == s.seed.accessToken(i+1) {
			return !t.Revoked && (t.Permanent || s.cfg.Now().Sub(t.At) < s.lifeOf(t))
		}
	}
	return false
}

// lifeOf returns how long an access token that expires is valid.
func (s *Server) lifeOf(t accessToken) time.Duration {
	if t.Hour {
		return min(time.Hour, s.cfg.AccessTokenLife)
	}
	return s.cfg.AccessTokenLife
}
