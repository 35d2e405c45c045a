package compose_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/compose"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

const tenant = "t1"

// bench is a Composer on a real SQLite store.
type bench struct {
	*compose.Composer
	t        *testing.T
	stored   *templates.Service
	settings *tenants.Service
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	_, _, err = db.Migrate(t.Context())
	must(t, err)
	must(t, db.EnsureTenant(t.Context(), tenants.Tenant{ID: tenant, Name: "T", CreatedAt: time.Now()}))
	builtin, err := templates.NewBuiltin()
	must(t, err)
	b := &bench{t: t, stored: templates.NewService(db, time.Now), settings: tenants.NewService(db, time.Now)}
	b.Composer = compose.New(builtin, b.stored, b.settings, template.NewCache(1<<20))
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// store stores templates named by language and type: "de SignIn". Their
// subjects are their names.
func (b *bench) store(names ...string) {
	b.t.Helper()
	if len(names) == 0 {
		return
	}
	drafts := make([]templates.Draft, len(names))
	for i, name := range names {
		language, kind, _ := strings.Cut(name, " ")
		drafts[i] = templates.Draft{
			Language: language, Type: connector.TemplateType(kind),
			Details: templates.Details{Subject: "stored " + name, Content: "{{code}}{{link}}"},
		}
	}
	_, err := b.stored.Put(b.t.Context(), tenant, "key", drafts)
	must(b.t, err)
}

// set changes the tenant's settings.
func (b *bench) set(patch string) {
	b.t.Helper()
	_, err := b.settings.Change(b.t.Context(), tenant, []byte(patch))
	must(b.t, err)
}

// configured is an open connector with templates of its own, each named by its
// type and place: "SignIn 1".
func configured(t *testing.T, wording connector.Wording, kinds ...connector.TemplateType) *routing.Opened {
	t.Helper()
	c := withTemplates{}
	for i, kind := range kinds {
		c.list = append(c.list, connector.Template{
			UsageType: kind, Subject: "config " + string(kind) + " " + string(rune('1'+i)), Content: "{{code}}{{link}}",
		})
	}
	factory := connector.New(connector.Metadata{ID: "test", Wording: wording}, struct{}{},
		func(struct{}, connector.Host) (connector.Connector, error) { return c, nil })
	return &routing.Opened{Factory: factory, Connector: c}
}

type withTemplates struct {
	connector.Connector // never sends
	list                []connector.Template
}

// ConfigTemplates implements connector.TemplateSource.
func (c withTemplates) ConfigTemplates() []connector.Template { return c.list }

// delivering is an open connector with these templates.
func delivering(list ...connector.Template) *routing.Opened {
	c := withTemplates{list: list}
	return &routing.Opened{Connector: c, Factory: connector.New(connector.Metadata{ID: "test"}, struct{}{},
		func(struct{}, connector.Host) (connector.Connector, error) { return c, nil })}
}

func (b *bench) compose(kind connector.TemplateType, locale string, via *routing.Opened) (connector.Message, compose.Source) {
	b.t.Helper()
	payload := map[string]any{"code": "123456", "link": "https://example.com/x"}
	if locale != "" {
		payload["locale"] = locale
	}
	m, source, err := b.Compose(b.t.Context(), compose.Request{
		TenantID: tenant, MessageID: "m", Type: kind, To: "ann@example.com", Payload: payload,
	}, via)
	must(b.t, err)
	return m, source
}

// Which template is used: each step, and each tie between two.
func TestWhichTemplate(t *testing.T) {
	t.Parallel()
	all := []connector.TemplateType{connector.Generic, connector.SignIn, connector.SignIn}
	for name, c := range map[string]struct {
		stored   []string
		config   []connector.TemplateType
		wording  connector.Wording
		fallback string // en unless given
		locale   string
		want     string // beginning of the subject; "" for built in
	}{
		"1 language and type":                {stored: []string{"fr-CA SignIn", "fr SignIn", "en SignIn", "en Generic"}, config: all, locale: "fr-CA", want: "stored fr-CA SignIn"},
		"1 in another case":                  {stored: []string{"FR-ca SignIn", "fr SignIn"}, locale: "fr-CA", want: "stored FR-ca SignIn"},
		"base language and type":             {stored: []string{"fr SignIn", "en SignIn", "en Generic"}, config: all, locale: "fr-CA", want: "stored fr SignIn"},
		"base language in another case":      {stored: []string{"fr SignIn", "en SignIn"}, locale: "FR-CA", want: "stored fr SignIn"},
		"no other region":                    {stored: []string{"fr-CH SignIn"}, locale: "fr-CA"},
		"no region for its language":         {stored: []string{"fr-CH SignIn"}, locale: "fr"},
		"2 default language and type":        {stored: []string{"en SignIn", "en Generic"}, config: all, locale: "fr-CA", want: "stored en SignIn"},
		"2 default of the tenant":            {stored: []string{"en SignIn", "it SignIn"}, fallback: "it", locale: "fr", want: "stored it SignIn"},
		"2 never the default's base":         {stored: []string{"pt SignIn"}, fallback: "pt-BR", locale: "fr"},
		"2 not English where that is not it": {stored: []string{"en SignIn"}, fallback: "it", locale: "fr"},
		"3 default language, Generic":        {stored: []string{"en Generic"}, config: all, locale: "fr-CA", want: "stored en Generic"},
		"3 not Generic of the language":      {stored: []string{"fr Generic", "fr-CA Generic"}, locale: "fr-CA"},
		"3 not another type":                 {stored: []string{"en Register", "fr Register"}, locale: "fr"},
		"4 config for the type, the first":   {config: all, locale: "fr", want: "config SignIn 2"},
		"5 config for Generic":               {config: []connector.TemplateType{connector.Register, connector.Generic, connector.Generic}, locale: "fr", want: "config Generic 2"},
		"6 built in":                         {config: []connector.TemplateType{connector.Register}, locale: "de"},
		"no locale is the default":           {stored: []string{"it SignIn"}, fallback: "it", want: "stored it SignIn"},
		"connector with built-in wording":    {stored: []string{"en SignIn"}, config: all, wording: connector.WordingBuiltin, locale: "en"},
		"stored before config, in any step":  {stored: []string{"en Generic"}, config: []connector.TemplateType{connector.SignIn}, locale: "fr", want: "stored en Generic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.store(c.stored...)
			if c.fallback != "" {
				b.set(`{"languageInfo":{"fallbackLanguage":"` + c.fallback + `"}}`)
			}
			m, source := b.compose(connector.SignIn, c.locale, configured(t, c.wording, c.config...))
			want := compose.SourceBuiltin
			if kind, _, found := strings.Cut(c.want, " "); found {
				want = map[string]compose.Source{"stored": compose.SourceCustom, "config": compose.SourceConfig}[kind]
			}
			if source != want || c.want != "" && m.Subject != c.want {
				t.Errorf("%s %q, want %s %q", source, m.Subject, want, c.want)
			}
			if !strings.Contains(m.Text, "123456") {
				t.Errorf("text %q", m.Text)
			}
		})
	}
}

// Generic mails have nothing to fall back to but themselves, and another
// tenant's templates serve nobody.
func TestWhichTemplateOfGeneric(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.store("en SignIn")
	_, err := b.stored.Put(t.Context(), tenant+"x", "key", nil)
	if err == nil {
		t.Error("nothing was put")
	}
	if m, source := b.compose(connector.Generic, "en", configured(t, connector.WordingCustom)); source != compose.SourceBuiltin {
		t.Errorf("Generic gets %s %q", source, m.Subject)
	}
}

// Where the provider renders, it gets the payload with the language.
func TestProviderRenders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.store("de SignIn")
	m, source := b.compose(connector.SignIn, "de", configured(t, connector.WordingProvider, connector.SignIn))
	if source != compose.SourceProvider || m.Subject != "" || m.Text != "" || m.Locale != "de" || m.Payload["locale"] != "de" {
		t.Errorf("%s %+v", source, m)
	}
}

// A connector's template may lie at the provider: then the first for the type,
// else for Generic decides, stored templates go before it, and what becomes
// headers is rendered here.
func TestTemplateAtProvider(t *testing.T) {
	t.Parallel()
	there := func(kind connector.TemplateType) connector.Template {
		return connector.Template{
			UsageType: kind, Subject: "there " + string(kind) + " {{code}}", ReplyTo: "Help <help+{{code}}@example.com>", AtProvider: true,
		}
	}
	here := func(kind connector.TemplateType) connector.Template {
		return connector.Template{UsageType: kind, Subject: "here " + string(kind) + " {{code}}", Content: "<p>{{code}}</p>"}
	}
	for name, c := range map[string]struct {
		stored string
		list   []connector.Template
		source compose.Source
		want   string // subject
	}{
		"for the type":                 {"", []connector.Template{here(connector.Generic), there(connector.SignIn)}, compose.SourceProvider, "there SignIn 123456"},
		"Generic":                      {"", []connector.Template{there(connector.Generic), here(connector.Register)}, compose.SourceProvider, "there Generic 123456"},
		"here before Generic":          {"", []connector.Template{there(connector.Generic), here(connector.SignIn)}, compose.SourceConfig, "here SignIn 123456"},
		"the first":                    {"", []connector.Template{there(connector.SignIn), here(connector.SignIn)}, compose.SourceProvider, "there SignIn 123456"},
		"stored before it":             {"de SignIn", []connector.Template{there(connector.SignIn)}, compose.SourceCustom, "stored de SignIn"},
		"stored Generic before it":     {"en Generic", []connector.Template{there(connector.SignIn)}, compose.SourceCustom, "stored en Generic"},
		"another type's is not for it": {"", []connector.Template{there(connector.Register)}, compose.SourceBuiltin, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if c.stored != "" {
				b.store(c.stored)
			}
			via := delivering(c.list...)
			m, source := b.compose(connector.SignIn, "de", via)
			if source != c.source || c.want != "" && m.Subject != c.want {
				t.Errorf("%s %q, want %s %q", source, m.Subject, c.source, c.want)
			}
			if atProvider := source == compose.SourceProvider; atProvider != (m.Text == "") || atProvider != (m.HTML == "" && m.ReplyTo.Name == "Help") {
				t.Errorf("%s: text %q, HTML %q, reply to %+v", source, m.Text, m.HTML, m.ReplyTo)
			}
			if m.Payload["code"] != "123456" || m.Payload["locale"] != "de" {
				t.Errorf("payload %v", m.Payload)
			}
			preview, err := b.Preview(t.Context(), compose.Request{
				TenantID: tenant, Type: connector.SignIn, Payload: map[string]any{"code": "123456", "link": "https://example.com/x", "locale": "de"},
			}, nil, via)
			must(t, err)
			if preview.Source != source || c.want != "" && (preview.Message.Subject != m.Subject || preview.Message.Text != m.Text) ||
				(preview.Details == nil) != (source == compose.SourceProvider || source == compose.SourceBuiltin) {
				t.Errorf("preview %+v", preview)
			}
			_, cells, err := b.Coverage(t.Context(), tenant, via)
			must(t, err)
			for _, cell := range cells {
				if cell.Language == "de" && cell.Type == connector.SignIn && cell.Source != source {
					t.Errorf("coverage %+v, want %s", cell, source)
				}
			}
		})
	}
	b := newBench(t)
	broken := there(connector.SignIn)
	broken.ReplyTo = "{{code}}"
	_, _, err := b.Compose(t.Context(), compose.Request{TenantID: tenant, Type: connector.SignIn, Payload: map[string]any{"code": "123456"}}, delivering(broken))
	if e, ok := errors.AsType[*connector.Error](err); !ok || e.Class != connector.Permanent {
		t.Errorf("a reply-to that is no address: %v", err)
	}
}

// A connector's template may have a text part and a reply-to of its own.
func TestConfigTemplateParts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m, source := b.compose(connector.SignIn, "en", delivering(connector.Template{
		UsageType: connector.SignIn, Subject: "s", Content: "<p>Code {{code}}</p>", Text: "Type {{code}} & go <on>", ReplyTo: "help@example.com",
	}))
	if source != compose.SourceConfig || m.HTML != "<p>Code 123456</p>" || m.Text != "Type 123456 & go <on>" ||
		m.ReplyTo != (connector.Mailbox{Address: "help@example.com"}) {
		t.Errorf("%s %+v", source, m)
	}
}

// The built-in mail is in the language asked for, else in that of its base.
func TestBuiltinLanguage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	via := configured(t, connector.WordingCustom)
	english, _ := b.compose(connector.SignIn, "en", via)
	german, _ := b.compose(connector.SignIn, "de", via)
	austrian, _ := b.compose(connector.SignIn, "de-AT", via)
	unknown, _ := b.compose(connector.SignIn, "tlh", via)
	if german.Subject == english.Subject || austrian.Subject != german.Subject || unknown.Subject != english.Subject {
		t.Errorf("en %q, de %q, de-AT %q, tlh %q", english.Subject, german.Subject, austrian.Subject, unknown.Subject)
	}
	if !strings.Contains(german.HTML, `lang="de"`) {
		t.Error("the German mail does not say so")
	}
}

func TestWhichLanguage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.store("x-own SignIn", "de-CH Generic", "fr-CA Generic", "gsw-CH SignIn")
	b.set(`{"languageInfo":{"fallbackLanguage":"it"}}`)
	for name, c := range map[string]struct{ uiLocales, given, want string }{
		"nothing wanted":                           {"", "", "it"},
		"given as it is":                           {"", "Klingon", "Klingon"},
		"ui locales before given":                  {"de", "fr", "de"},
		"given after ui locales without a match":   {"tlh x-other", "sv-FI", "sv-FI"},
		"default after ui locales without a match": {"tlh", "", "it"},
		"the first that there is":                  {"tlh fr de", "", "fr"},
		"any white space":                          {"  tlh\t de ", "", "de"},
		"own exact, in another case":               {"DE-ch", "", "de-CH"},
		"built-in exact":                           {"PT-br", "", "pt-BR"},
		"built-in of the same base":                {"de-AT", "", "de"},
		"built-in base before own of the base":     {"fr-CH", "", "fr"},
		"built-in region for its base":             {"fa", "", "fa-IR"},
		"own of the same base":                     {"gsw", "", "gsw-CH"},
		"own of another region":                    {"gsw-DE", "", "gsw-CH"},
		"an earlier base before a later exact":     {"de-AT fr", "", "de"},
	} {
		got, err := b.Language(t.Context(), tenant, c.uiLocales, c.given)
		must(t, err)
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPreviewFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, d := range map[string]templates.Details{
		"too large": {Subject: "s", Content: strings.Repeat("{{big}}", 40), ContentType: connector.TextPlain},
		"reply to":  {Subject: "s", Content: "c", ReplyTo: "{{big}}"},
	} {
		_, err := b.Preview(t.Context(), compose.Request{
			TenantID: tenant, Type: connector.SignIn, Payload: map[string]any{"big": strings.Repeat("x", 32<<10)},
		}, &d, nil)
		if e, ok := errors.AsType[*connector.Error](err); !ok || e.Class != connector.Permanent || strings.Contains(e.Message, "xxx") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Samples are filled in, of every type, and are nobody else's.
func TestSamples(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, kind := range connector.TemplateTypes() {
		p, err := b.Preview(t.Context(), compose.Request{TenantID: tenant, Type: kind}, nil, nil)
		must(t, err)
		if p.Source != compose.SourceBuiltin || p.Language != "en" || p.Message.Subject == "" || !strings.Contains(p.Message.HTML, "Example Shop") {
			t.Errorf("%s: %s %s %q", kind, p.Source, p.Language, p.Message.Subject)
		}
		sample := compose.Sample(kind)
		delete(sample, "application")
		if _, ok := compose.Sample(kind)["application"]; !ok {
			t.Errorf("%s: samples are shared", kind)
		}
	}
}

// branded is an open connector that says how the sender looks.
type branded struct {
	withTemplates
	logo string
}

// Branding implements connector.Branded.
func (b branded) Branding() (senderName, companyInformation, appLogo string) {
	return "Acme", "", b.logo
}

// A mail looks as the application or organization does, else as the connector
// says, else as the tenant does.
func TestWhoseLogo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.set(`{"branding":{"logoUrl":"https://tenant.example/light.png","darkLogoUrl":"https://tenant.example/dark.png"}}`)
	logos := func(via *routing.Opened) (found []string) {
		m, _ := b.compose(connector.SignIn, "en", via)
		for _, logo := range []string{"https://tenant.example/light.png", "https://tenant.example/dark.png", "https://app.example/logo.png"} {
			if strings.Contains(m.HTML, logo) {
				found = append(found, logo)
			}
		}
		return found
	}
	plain := configured(t, connector.WordingCustom)
	if got := logos(plain); len(got) != 2 {
		t.Errorf("the tenant's: %v", got)
	}
	with := &routing.Opened{Factory: plain.Factory, Connector: branded{logo: "https://app.example/logo.png"}}
	if got := logos(with); len(got) != 1 || got[0] != "https://app.example/logo.png" {
		t.Errorf("the connector's: %v", got)
	}
	with.Connector = branded{}
	if got := logos(with); len(got) != 2 {
		t.Errorf("a connector without: %v", got)
	}
}
