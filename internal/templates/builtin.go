package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
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

// Builtin is the built-in set of templates. It does not change and is safe for
// concurrent use.
type Builtin struct {
	html, text *layout
	languages  map[string]*language // by tag in lower case
	code, link *template.Template   // print the payload's own
}

// NewBuiltin reads the built-in set. It fails only if the files that were
// compiled in are wrong.
func NewBuiltin() (*Builtin, error) { return load(builtinFiles) }

// load reads a set from files of the shape of the folder builtin.
func load(files fs.FS) (*Builtin, error) {
	b := &Builtin{languages: make(map[string]*language)}
	var err error
	if b.html, err = readLayout(files, "builtin/layout.html", template.HTML); err != nil {
		return nil, err
	}
	if b.text, err = readLayout(files, "builtin/layout.txt", template.None); err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "builtin/*.json")
	if err != nil {
		return nil, fmt.Errorf("templates: list languages: %w", err)
	}
	for _, name := range names {
		tag := strings.TrimSuffix(path.Base(name), ".json")
		if b.languages[strings.ToLower(tag)], err = readLanguage(files, name, tag); err != nil {
			return nil, err
		}
	}
	if b.languages[fallbackLanguage] == nil {
		return nil, fmt.Errorf("templates: no wording in %q", fallbackLanguage)
	}
	if b.code, err = template.Parse("{{code}}", template.Header); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	if b.link, err = template.Parse("{{link}}", template.Header); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return b, nil
}

// Render makes the built-in mail of type t. The payload is of the shape that
// the glossary gives it; what of it is shown is cleaned first (see facts), and
// names never become markup or placeholders. The error is a *MissingError, an
// ErrUnknownType, or a *template.Error for a payload that cannot be printed.
func (b *Builtin) Render(t connector.TemplateType, payload map[string]any, o Options) (Rendered, error) {
	lang := b.language(o.Locale)
	texts, ok := lang.types[t]
	if !ok {
		return Rendered{}, ErrUnknownType
	}
	values := make(map[string]any, 32)
	if err := b.addPurpose(values, t, payload); err != nil {
		return Rendered{}, err
	}
	addFacts(values, t, payload, o.Branding)
	values["validity"] = lang.duration(o.Validity)
	values["lang"], values["dir"] = lang.tag, lang.direction
	if err := texts.render(values); err != nil {
		return Rendered{}, err
	}
	html, err := b.html.render(values)
	if err != nil {
		return Rendered{}, err
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
func (b *Builtin) language(locale string) *language {
	tag := strings.ToLower(locale)
	if l, ok := b.languages[tag]; ok {
		return l
	}
	base, _, _ := strings.Cut(tag, "-")
	if l, ok := b.languages[base]; ok {
		return l
	}
	return b.languages[fallbackLanguage]
}
