package juxinli

import (
	"encoding/json"
	"unicode/utf8"
)

// dataEnvelope wraps the data of every response to a data call.
type dataEnvelope struct {
	Success boolean         `json:"success"`
	Code    number          `json:"code"`
	Access  text            `json:"access_token"`
	Data    json.RawMessage `json:"data"`
	Report  json.RawMessage `json:"report_data"`
	Raw     json.RawMessage `json:"raw_data"`
}

// jobData is "data" in the response for a job.
type jobData struct {
	Status text `json:"status"`
}

// rawData is the part of the raw data that is decoded.
type rawData struct {
	Members struct {
		Code number `json:"error_code"`
	} `json:"members"`
}

// rawDataCode is the code of raw data that were collected.
const rawDataCode = "31200"

// unwrapData decodes the envelope. A refusal is a *RefusalError; a known code of a
// refusal takes precedence over "success".
func unwrapData(body []byte) (dataEnvelope, error) {
	var e dataEnvelope
	if !utf8.Valid(body) || json.Unmarshal(body, &e) != nil {
		return dataEnvelope{}, ErrMalformed
	}
	_, refused := refusalErrors[e.Code]
	switch {
	case refused, e.Success == boolFalse:
		return dataEnvelope{}, &RefusalError{Code: string(e.Code)}
	case e.Success != boolTrue:
		return dataEnvelope{}, ErrMalformed
	}
	return e, nil
}

// job returns the state in the envelope.
func (e dataEnvelope) job() (JobState, error) {
	var d optional[jobData]
	if len(e.Data) == 0 || d.UnmarshalJSON(e.Data) != nil || !d.present {
		return "", ErrMalformed
	}
	if state, known := jobStates[d.value.Status]; known {
		return state, nil
	}
	return JobUnclear, nil
}

// isEmptyDocument reports whether a document is absent or empty.
func isEmptyDocument(raw json.RawMessage) bool { return len(raw) < 64 && isEmpty(raw) }

// report returns the report in the envelope; errNoData if there is none.
func (e dataEnvelope) report() (Document, error) {
	if isEmptyDocument(e.Report) {
		return Document{}, errNoData
	}
	return documentOf(e.Report), nil
}

// raw returns the raw data in the envelope; errNoData if there are none. Raw data
// have their own code.
func (e dataEnvelope) raw() (Document, error) {
	if isEmptyDocument(e.Raw) {
		return Document{}, errNoData
	}
	var data rawData
	if json.Unmarshal(e.Raw, &data) == nil && data.Members.Code != "" && data.Members.Code != rawDataCode {
		return Document{}, &RefusalError{Code: string(data.Members.Code)}
	}
	return documentOf(e.Raw), nil
}
