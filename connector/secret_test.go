package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretShowsItself(t *testing.T) {
	t.Parallel()
	const hush = "hush"
	settings := struct {
		Pass  Secret            `json:"pass"`
		Keys  map[string]Secret `json:"keys"`
		Empty Secret            `json:"empty"`
	}{Pass: hush, Keys: map[string]Secret{"a": hush}}

	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.2s", "%U"} {
		shown[verb] = fmt.Sprintf(verb, settings) + fmt.Sprintf(verb, settings.Pass) + fmt.Sprintf(verb, &settings.Pass)
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(text)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pass", settings.Pass, "settings", settings)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pass", settings.Pass, "settings", settings)
	shown["slog"] = log.String()

	hex := fmt.Sprintf("%x", hush)
	for how, text := range shown {
		if strings.Contains(text, hush) || strings.Contains(strings.ToLower(text), hex) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
	if want := `{"pass":"********","keys":{"a":"********"},"empty":""}`; shown["JSON"] != want {
		t.Errorf("JSON is %s, want %s", shown["JSON"], want)
	}
	if got := settings.Pass.Reveal(); got != hush {
		t.Errorf("Reveal gives %q", got)
	}
}

func TestSecretIsReadAsAString(t *testing.T) {
	t.Parallel()
	var s Secret
	if err := json.Unmarshal([]byte(`"hush"`), &s); err != nil || s != "hush" {
		t.Errorf("got %q, %v", s.Reveal(), err)
	}
}
