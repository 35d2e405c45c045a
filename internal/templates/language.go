package templates

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
)

// language is the wording of one language, parsed.
type language struct {
	tag         string
	rightToLeft bool
	fonts       string // a CSS font-family
	officeFonts string // the same for Outlook on Windows
	wordBreak   string // a CSS word-break
	durations   durations
	types       map[connector.TemplateType]texts
}

// texts are the texts of one type, by their names in the layout.
type texts []namedText

type namedText struct {
	name    string
	choices []*template.Template // the first whose variables have values is used
}

// languageFile is the JSON of a language; see the package comment.
type languageFile struct {
	Direction string                                        `json:"direction"`
	Fonts     []string                                      `json:"fonts"`
	WordBreak string                                        `json:"wordBreak"`
	Durations map[string]map[string]string                  `json:"durations"`
	Common    map[string]choices                            `json:"common"`
	Types     map[connector.TemplateType]map[string]choices `json:"types"`
}

// choices is one text of a language file: a string or a list of them.
type choices []string

// UnmarshalJSON reads a string as a list of one.
func (c *choices) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*c = choices{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(data, &many); err != nil {
		return fmt.Errorf("a text is a string or a list of strings: %w", err)
	}
	*c = many
	return nil
}

// textNames returns the texts that a mail of type t is made of.
func textNames(t connector.TemplateType) []string {
	if t.CarriesCode() {
		return []string{"subject", "title", "preheader", "greeting", "intro", "label", "expiry", "notice"}
	}
	return []string{"subject", "title", "preheader", "greeting", "intro", "button", "fallback", "expiry", "notice"}
}

// wordingVariables returns what a text may mention.
func wordingVariables() []string {
	return []string{"product", "organization", "inviter", "user", "validity"}
}

// readLanguage reads and checks one language file.
func readLanguage(files fs.FS, name, tag string) (*language, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	var file languageFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("templates: %s: %w", name, err)
	}
	if file.Direction != "ltr" && file.Direction != "rtl" {
		return nil, fmt.Errorf("templates: %s: direction is ltr or rtl", name)
	}
	if file.WordBreak != "" && file.WordBreak != "keep-all" {
		return nil, fmt.Errorf("templates: %s: wordBreak is keep-all, or left out", name)
	}
	l := &language{
		tag: tag, rightToLeft: file.Direction == "rtl", wordBreak: cmp.Or(file.WordBreak, "normal"),
		types: make(map[connector.TemplateType]texts),
	}
	if err := l.setFonts(file.Fonts); err != nil {
		return nil, fmt.Errorf("templates: %s: %w", name, err)
	}
	if l.durations, err = readDurations(file.Durations, tag); err != nil {
		return nil, fmt.Errorf("templates: %s: %w", name, err)
	}
	for _, t := range connector.TemplateTypes() {
		if l.types[t], err = readTexts(t, file.Types[t], file.Common); err != nil {
			return nil, fmt.Errorf("templates: %s: %s: %w", name, t, err)
		}
	}
	for t := range file.Types {
		if !t.Valid() {
			return nil, fmt.Errorf("templates: %s: unknown type %q", name, t)
		}
	}
	return l, nil
}

// setFonts makes the font families: the usual ones of each system, then those
// that have the language's script. Outlook on Windows takes the first that it
// knows for everything, so the script comes first there.
func (l *language) setFonts(own []string) error {
	var list strings.Builder
	for _, font := range own {
		plain := func(r rune) bool { return r == ' ' || r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
		if font == "" || strings.ContainsFunc(font, func(r rune) bool { return !plain(r) }) {
			return fmt.Errorf("fonts: %q is no name of a font", font)
		}
		list.WriteString("'" + font + "',")
	}
	l.fonts = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto," + list.String() + "Helvetica,Arial,sans-serif"
	l.officeFonts = list.String() + "'Segoe UI',Arial,sans-serif"
	return nil
}

// addLook adds what the layout needs to know of the language.
func (l *language) addLook(values map[string]any) {
	values["lang"], values["fonts"], values["officeFonts"] = l.tag, l.fonts, l.officeFonts
	values["wordBreak"] = l.wordBreak
	values["dir"], values["start"] = "ltr", "left"
	if l.rightToLeft {
		values["dir"], values["start"] = "rtl", "right"
	}
}

// readTexts parses the texts of one type, each its own or the common one.
func readTexts(t connector.TemplateType, own, common map[string]choices) (texts, error) {
	names := textNames(t)
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("unknown text %q", name)
		}
	}
	result := make(texts, 0, len(names))
	for _, name := range names {
		list, ok := own[name]
		if !ok {
			list = common[name]
		}
		parsed, err := readChoices(list, name)
		if err != nil {
			return nil, fmt.Errorf("text %q: %w", name, err)
		}
		result = append(result, namedText{name: name, choices: parsed})
	}
	return result, nil
}

// readChoices parses the choices of one text. The last must fit every mail.
func readChoices(list choices, name string) ([]*template.Template, error) {
	if len(list) == 0 {
		return nil, errors.New("missing")
	}
	escape := template.None
	if name == "subject" {
		escape = template.Header
	}
	parsed := make([]*template.Template, 0, len(list))
	for _, source := range list {
		tpl, err := template.Parse(source, escape)
		if err != nil {
			return nil, err
		}
		for _, v := range tpl.Variables() {
			if !slices.Contains(wordingVariables(), v) {
				return nil, fmt.Errorf("unknown variable %q", v)
			}
		}
		parsed = append(parsed, tpl)
	}
	if needs := parsed[len(parsed)-1].Variables(); len(needs) > 0 {
		return nil, fmt.Errorf("the last choice depends on %v", needs)
	}
	return parsed, nil
}

// render adds each text to values under its name, made from what is there.
func (ts texts) render(values map[string]any, isolated bool) error {
	for _, text := range ts {
		s, err := text.choose(values).Render(values)
		if err != nil {
			return fmt.Errorf("templates: %w", err)
		}
		if isolated && (text.name == "subject" || text.name == "preheader") {
			s = withoutIsolates(s)
		}
		values[text.name] = s
	}
	return nil
}

// choose returns the first choice whose variables all have a value.
func (t namedText) choose(values map[string]any) *template.Template {
	last := len(t.choices) - 1
	for _, choice := range t.choices[:last] {
		if choice.Fits(values) {
			return choice
		}
	}
	return t.choices[last]
}
