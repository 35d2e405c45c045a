package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
)

//go:embed builtin
var builtinFiles embed.FS

// fallbackLanguage serves locales for which there is no wording.
const fallbackLanguage = "en"

// Branding is how the sender of a mail shows itself.
type Branding struct {
	// SenderName stands below the mail, and for the product where the payload
	// names no application or organization.
	SenderName string
	// CompanyInformation stands below the mail; it may have several lines.
	CompanyInformation string
	// LogoURL is an http or https URL of a picture, shown 40 px high.
	LogoURL string
	// DarkLogoURL replaces LogoURL on dark backgrounds; it may be "".
	DarkLogoURL string
}

// Options is what a built-in mail depends on beside its payload.
type Options struct {
	// Locale is the BCP 47 tag of the language asked for.
	Locale string
	// Validity is how long the code or link is good for; 0 when unknown.
	Validity time.Duration
	// Branding serves where the payload's application and organization have
	// none.
	Branding Branding
}

// Rendered is the content of one mail, in UTF-8 with LF line ends.
type Rendered struct {
	Subject string
	// HTML is "" for a mail of plain text.
	HTML string
	Text string
	// Locale is the language that the mail is in (BCP 47), or "" when a custom
	// template's payload names none.
	Locale string
	// ReplyTo and SendFrom are a custom template's, rendered and not yet
	// parsed as mailboxes; "" for built-in mails.
	ReplyTo, SendFrom string
}

// MissingError says that the payload lacks what a mail of the type is for.
type MissingError struct {
	Type connector.TemplateType
	// Variable is the root that is missing or empty: "code" or "link".
	Variable string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("templates: the payload of a %s mail has no %q", e.Type, e.Variable)
}

// ErrUnknownType is the error for a type that is none of the nine.
var ErrUnknownType = errors.New("templates: unknown template type")

// builtinLanguages returns the tags of the built-in languages, each with a file
// in the folder builtin. Where two share a base language, the first serves for
// it alone: "pt" is pt-BR, "zh-SG" is zh-CN.
func builtinLanguages() []string {
	return []string{
		"ar", "cs", "de", "en", "es", "fa-IR", "fr", "it", "ja", "ko", "nl", "pl-PL", "pt-BR", "pt-PT", "ru", "th",
		"tr-TR", "uk-UA", "zh-CN", "zh-HK", "zh-TW", "sv", "da", "nb", "fi", "he", "hi", "id", "vi", "el", "ro", "hu",
	}
}

// Builtin is the built-in set of templates. It does not change and is safe for
// concurrent use.
type Builtin struct {
	html, text *layout
	tags       []string
	// languages are read when first needed: by tag, and by base language, in
	// lower case.
	languages  map[string]func() (*language, error)
	code, link *template.Template // print the payload's own
}

// NewBuiltin reads the built-in set. It fails only if the files that were
// compiled in are wrong. Of the languages it reads English; the others are
// read when they are first asked for, which takes a millisecond or so.
func NewBuiltin() (*Builtin, error) { return load(builtinFiles, builtinLanguages()) }

// Languages returns the tags (BCP 47) of the languages that there is wording
// in, in order of preference among those of one base language. The slice is
// shared: it must not be changed.
func (b *Builtin) Languages() []string { return b.tags }

// load reads a set in these languages from files of the shape of the folder
// builtin.
func load(files fs.FS, tags []string) (*Builtin, error) {
	b := &Builtin{tags: tags, languages: make(map[string]func() (*language, error), 2*len(tags))}
	var err error
	if b.html, err = readLayout(files, "builtin/layout.html", template.HTML); err != nil {
		return nil, err
	}
	if b.text, err = readLayout(files, "builtin/layout.txt", template.None); err != nil {
		return nil, err
	}
	for _, tag := range tags {
		b.languages[strings.ToLower(tag)] = sync.OnceValues(func() (*language, error) {
			return readLanguage(files, "builtin/"+tag+".json", tag)
		})
	}
	for _, tag := range tags {
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if b.languages[base] == nil {
			b.languages[base] = b.languages[strings.ToLower(tag)]
		}
	}
	if _, err = b.language(fallbackLanguage); err != nil {
		return nil, err
	}
	if b.code, err = template.Parse("{{code}}", template.Header); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	if b.link, err = template.Parse("{{link}}", template.Header); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return b, nil
}

// Render makes the built-in mail of type t, in the language whose tag is
// o.Locale (without regard to case), else in one of the same base language,
// else in English. The payload is of the shape that the glossary gives it; what
// of it is shown is cleaned first (see facts), and names never become markup or
// placeholders. The error is a *MissingError, an ErrUnknownType, or a
// *template.Error for a payload that cannot be printed.
func (b *Builtin) Render(t connector.TemplateType, payload map[string]any, o Options) (Rendered, error) {
	lang, err := b.language(o.Locale)
	if err != nil {
		return Rendered{}, err
	}
	texts, ok := lang.types[t]
	if !ok {
		return Rendered{}, ErrUnknownType
	}
	values := make(map[string]any, 40)
	if err := b.addPurpose(values, t, payload); err != nil {
		return Rendered{}, err
	}
	addFacts(values, t, payload, o.Branding)
	isolated := isolateNames(values, lang.rightToLeft)
	values["validity"] = lang.durations.say(o.Validity)
	lang.addLook(values)
	if err := texts.render(values, isolated); err != nil {
		return Rendered{}, err
	}
	html, err := b.html.render(values)
	if err != nil {
		return Rendered{}, err
	}
	if isolated {
		html = isolatesToHTML(html)
	}
	text, err := b.text.render(values)
	if err != nil {
		return Rendered{}, err
	}
	subject, _ := values["subject"].(string)
	return Rendered{Subject: subject, HTML: html, Text: text, Locale: lang.tag}, nil
}

// addPurpose adds the code or the link, without which the mail has no purpose.
func (b *Builtin) addPurpose(values map[string]any, t connector.TemplateType, payload map[string]any) error {
	name, printer := "code", b.code
	if !t.CarriesCode() {
		name, printer = "link", b.link
	}
	missing := &MissingError{Type: t, Variable: name}
	if _, ok := payload[name]; !ok {
		return missing
	}
	s, err := printer.Render(payload)
	if err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	if s = strings.TrimSpace(s); s == "" {
		return missing
	}
	values[name] = s
	return nil
}

// language returns the wording for locale: of the very tag, of its base
// language, or the fallback.
func (b *Builtin) language(locale string) (*language, error) {
	tag := strings.ToLower(locale)
	if read, ok := b.languages[tag]; ok {
		return read()
	}
	base, _, _ := strings.Cut(tag, "-")
	if read, ok := b.languages[base]; ok {
		return read()
	}
	if read, ok := b.languages[fallbackLanguage]; ok {
		return read()
	}
	return nil, fmt.Errorf("templates: no wording in %q", fallbackLanguage)
}
