package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// schema is what openapi.json says of a value: the keywords of JSON Schema that it uses.
type schema struct {
	Ref         string            `json:"$ref"`
	Type        string            `json:"type"`
	Format      string            `json:"format"`
	Enum        []string          `json:"enum"`
	Examples    []string          `json:"examples"`
	Required    []string          `json:"required"`
	Properties  map[string]schema `json:"properties"`
	Items       *schema           `json:"items"`
	Minimum     *float64          `json:"minimum"`
	MinLength   int               `json:"minLength"`
	MaxItems    *int              `json:"maxItems"`
	Additional  *bool             `json:"additionalProperties"`
	Description string            `json:"description"`
}

// openAPI is openapi.json.
type openAPI struct {
	OpenAPI    string                          `json:"openapi"`
	Info       map[string]string               `json:"info"`
	Servers    []map[string]string             `json:"servers"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	seen map[string]bool // members of schemas that were found in a value, as "Schema.member"
}

type operation struct {
	OperationID string               `json:"operationId"`
	Summary     string               `json:"summary"`
	Parameters  []map[string]any     `json:"parameters"`
	RequestBody *content             `json:"requestBody"`
	Responses   map[string]*response `json:"responses"`
}

type content struct {
	Required bool                         `json:"required"`
	Content  map[string]map[string]schema `json:"content"`
}

type response struct {
	Description string                       `json:"description"`
	Headers     map[string]any               `json:"headers"`
	Content     map[string]map[string]schema `json:"content"`
}

// parse parses openapi.json. A keyword that the tests do not know is an error.
func parse(text []byte) (d openAPI, err error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	d.seen = make(map[string]bool)
	return d, decoder.Decode(&d)
}

// check returns what is wrong with a value; nil if it is what the schema says and has no
// member that the schema does not have.
func (d *openAPI) check(where string, s schema, value any) error {
	if s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
		resolved, found := d.Components.Schemas[name]
		if !found {
			return fmt.Errorf("%s: no schema %s", where, s.Ref)
		}
		return d.check(name, resolved, value)
	}
	switch value := value.(type) {
	case string:
		return d.checkString(where, s, value)
	case float64:
		if s.Type != "integer" || value != float64(int(value)) || s.Minimum != nil && value < *s.Minimum {
			return fmt.Errorf("%s: %v is no %s", where, value, s.Type)
		}
	case bool:
		if s.Type != "boolean" {
			return fmt.Errorf("%s: %v is no %s", where, value, s.Type)
		}
	case []any:
		if s.Type != "array" || s.MaxItems != nil && len(value) > *s.MaxItems {
			return fmt.Errorf("%s: a list that is no %s, or too long", where, s.Type)
		}
		for _, item := range value {
			if err := d.check(where, *s.Items, item); err != nil {
				return err
			}
		}
	case map[string]any:
		return d.checkObject(where, s, value)
	default:
		return fmt.Errorf("%s: %v", where, value)
	}
	return nil
}

func (d *openAPI) checkString(where string, s schema, value string) error {
	_, err := time.Parse(time.RFC3339, value)
	switch {
	case s.Type != "string":
		return fmt.Errorf("%s: %q is no %s", where, value, s.Type)
	case s.Enum != nil && !slices.Contains(s.Enum, value):
		return fmt.Errorf("%s: %q is none of %v", where, value, s.Enum)
	case s.Examples != nil && strings.HasSuffix(where, ".kind") && !slices.Contains(s.Examples, value):
		return fmt.Errorf("%s: %q is no example", where, value)
	case s.Format == "date-time" && err != nil:
		return fmt.Errorf("%s: %w", where, err)
	case len(value) < s.MinLength:
		return fmt.Errorf("%s: %q is too short", where, value)
	}
	return nil
}

func (d *openAPI) checkObject(where string, s schema, value map[string]any) error {
	if s.Type != "object" {
		return fmt.Errorf("%s: an object that is no %s", where, s.Type)
	}
	for _, name := range s.Required {
		if _, found := value[name]; !found {
			return fmt.Errorf("%s has no %s", where, name)
		}
	}
	for name, member := range value {
		of, found := s.Properties[name]
		if !found && s.Properties != nil {
			return fmt.Errorf("%s has a member %s that is not described", where, name)
		}
		if !found {
			continue
		}
		d.seen[where+"."+name] = true
		if err := d.check(where+"."+name, of, member); err != nil {
			return err
		}
	}
	return nil
}
