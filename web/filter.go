package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"

	"inlet/catalog"
)

// filterMembers is a filter in a JSON body: the names and values that the query of
// GET /v1/images has.
type filterMembers map[string]json.RawMessage

// given leaves out members that are null or an empty text.
func (f filterMembers) given() filterMembers {
	given := maps.Clone(f)
	maps.DeleteFunc(given, func(_ string, v json.RawMessage) bool { return string(v) == `""` || string(v) == "null" })

	return given
}

// parse reads the filter, and gives the query that ParseFilter reads the same from.
// It refuses an unknown member: without it the filter would select more.
func (f filterMembers) parse() (catalog.Filter, url.Values, error) {
	query := url.Values{}
	for name, raw := range f {
		if !catalog.IsFilter(name) {
			return catalog.Filter{}, nil, fmt.Errorf("%w: there is no filter %.50q", errBadRequest, name)
		}
		text, ok := textOf(raw)
		if !ok {
			return catalog.Filter{}, nil, fmt.Errorf("%w: the filter %s is no text, number, true or false", errBadRequest, name)
		}
		query.Set(name, text)
	}
	filter, err := catalog.ParseFilter(query)

	return filter, query, err
}

// textOf is a JSON text, number or boolean as a query has it.
func textOf(raw json.RawMessage) (text string, ok bool) {
	switch raw[0] {
	case '"':
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	case '[', '{', 'n':
		return "", false
	}

	return string(raw), true
}
