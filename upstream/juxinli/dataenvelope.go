package juxinli

import (
	"encoding/json"
	"unicode/utf8"
)

// envelopeOfData is what every answer to a data call is wrapped in.
type envelopeOfData struct {
	Success boolean         `json:"success"`
	Code    number          `json:"code"`
	Access  text            `json:"access_token"`
	Data    json.RawMessage `json:"data"`
	Report  json.RawMessage `json:"report_data"`
	Raw     json.RawMessage `json:"raw_data"`
}

// jobData is "data" of the answer about a job.
type jobData struct {
	Status text `json:"status"`
}

// rawData is what of the raw data is looked at.
type rawData struct {
	Members struct {
		Code number `json:"error_code"`
	} `json:"members"`
}

// collectedRaw is the code of raw data that are there.
const collectedRaw = "31200"

// unwrapData reads the envelope of a data call. A refusal is a *RefusalError;
// a code that is known to refuse does so whatever "success" says.
func unwrapData(answer []byte) (envelopeOfData, error) {
	var e envelopeOfData
	if !utf8.Valid(answer) || json.Unmarshal(answer, &e) != nil {
		return envelopeOfData{}, ErrMalformed
	}
	_, refused := refusals[e.Code]
	switch {
	case refused, e.Success == toldNot:
		return envelopeOfData{}, &RefusalError{Code: string(e.Code)}
	case e.Success != told:
		return envelopeOfData{}, ErrMalformed
	}
	return e, nil
}

// job is the state in the envelope.
func (e envelopeOfData) job() (JobState, error) {
	var d optional[jobData]
	if len(e.Data) == 0 || d.UnmarshalJSON(e.Data) != nil || !d.there {
		return "", ErrMalformed
	}
	if state, known := jobStates[d.value.Status]; known {
		return state, nil
	}
	return JobUnclear, nil
}

// nothing tells whether a document is as good as absent.
func nothing(raw json.RawMessage) bool { return len(raw) < 64 && blank(raw) }

// report is the report in the envelope; errNothing where there is none.
func (e envelopeOfData) report() (Document, error) {
	if nothing(e.Report) {
		return Document{}, errNothing
	}
	return documentOf(e.Report), nil
}

// raw are the raw data in the envelope; errNothing where there are none. They
// have a code of their own.
func (e envelopeOfData) raw() (Document, error) {
	if nothing(e.Raw) {
		return Document{}, errNothing
	}
	var look rawData
	if json.Unmarshal(e.Raw, &look) == nil && look.Members.Code != "" && look.Members.Code != collectedRaw {
		return Document{}, &RefusalError{Code: string(look.Members.Code)}
	}
	return documentOf(e.Raw), nil
}
