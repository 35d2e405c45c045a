package tenants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/postern-mail/postern/internal/fault"
)

// ReadSettings reads settings as the store has them: what is not set has its
// default.
func ReadSettings(text string) (Settings, error) {
	settings := DefaultSettings()
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		return Settings{}, fmt.Errorf("read settings: %w", err)
	}
	return settings, nil
}

// ParseSettings reads settings from JSON that somebody wrote: keys that are
// not known are refused, those that are missing take their defaults. Issues
// have paths from the settings' top.
func ParseSettings(text json.RawMessage) (Settings, []fault.Issue) {
	settings := DefaultSettings()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&settings)
	if err == nil && string(text) == "null" { // which package json passes over
		err = errors.New("null")
	}
	if err != nil {
		return Settings{}, []fault.Issue{issueOf(err)}
	}
	return settings, settings.Check()
}

// issueOf tells what package json found wrong, without the value.
func issueOf(err error) fault.Issue {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		path := []any{}
		for key := range strings.SplitSeq(wrong.Field, ".") {
			if key != "" {
				path = append(path, key)
			}
		}
		return fault.Issue{Path: path, Code: "invalid_type", Message: "must be of the type " + wrong.Type.Kind().String()}
	}
	if key, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return fault.Issue{Path: []any{}, Code: "invalid_value", Message: "has the unknown key " + key}
	}
	return fault.Issue{Path: []any{}, Code: "invalid_type", Message: "must be an object of settings"}
}

// Forget makes the next reading on this node see what was changed past the
// service. It waits for a reading under way, which may have begun before.
func (s *Service) Forget(tenantID string) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cache, tenantID)
}
