package simulator

import (
	"net/http"
	"regexp"
)

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(*http.Request) Answer{
		"GET /orgApi/rest/v2/orgs/{org}/datasources": s.datasources,
		"GET /orgApi/rest/v3/orgs/{org}/datasources": s.datasourcesV3,
		"POST /orgApi/rest/v2/applications/{org}":    s.apply,
		"POST /orgApi/rest/v3/applications/{org}":    s.applyV3,
		"POST /orgApi/rest/v2/messages/collect/req":  s.collect,
		"POST /orgApi/rest/v2/messages/collect/skip": s.skip,
		"POST /orgApi/rest/v2/messages/reset/req":    s.reset,

		"GET /api/access_report_token":                s.reportToken,
		"GET /api/v2/access_report_token":             s.reportToken,
		"GET /api/v2/job/access_jobs_status_by_token": s.jobStatus,
		"GET /api/access_report_data_by_token":        s.report,
		"GET /api/access_report_data":                 s.reportByPerson,
		"GET /api/access_raw_data_by_token":           s.rawData,
		"GET /api/access_raw_data":                    s.rawDataByPerson,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answer(r).send(w) })
	}
	return mux
}

var slashes = regexp.MustCompile("//+")

// withSingleSlashes returns the request with a path that has no doubled slash. A
// ServeMux would redirect such a request, and clients don't follow.
func withSingleSlashes(r *http.Request) *http.Request {
	path := slashes.ReplaceAllString(r.URL.Path, "/")
	if path == r.URL.Path {
		return r
	}
	r = r.Clone(r.Context())
	r.URL.Path, r.URL.RawPath = path, slashes.ReplaceAllString(r.URL.RawPath, "/")
	return r
}
