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

// query is the filter as a query that ParseFilter takes. It refuses an unknown
// member: without it the filter would select more.
func (f filterMembers) query() (url.Values, error) {
	query := url.Values{}
	for name, raw := range f {
		if !catalog.IsFilter(name) {
			return nil, fmt.Errorf("%w: there is no filter %.50q", errBadRequest, name)
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			text = string(raw) // a number, true or false
		}
		query.Set(name, text)
	}
	if _, err := catalog.ParseFilter(query); err != nil {
		return nil, err
	}

	return query, nil
}
