package main

import "encoding/json"

// printJSON prints one value on stdout, indented by four spaces as scripts that
// read pg_autoctl's output know it.
func (a *app) printJSON(value any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "    ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// orderedJSON is an object whose keys stay in their order.
type orderedJSON []jsonPair

type jsonPair struct {
	key   string
	value any
}

func (o orderedJSON) MarshalJSON() ([]byte, error) {
	object := []byte{'{'}
	for i, pair := range o {
		if i > 0 {
			object = append(object, ',')
		}
		key, err := json.Marshal(pair.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(pair.value)
		if err != nil {
			return nil, err
		}
		object = append(append(append(object, key...), ':'), value...)
	}
	return append(object, '}'), nil
}

// list is an array in JSON, also when it is empty.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
