package archtest

// levels gives every package its place: it may import packages of lower
// levels only. Paths are relative to the module; "." is its root.
func levels() map[string]int {
	return map[string]int{
		"connector":            0,
		"examples":             0,
		"internal/address":     0,
		"internal/archtest":    0,
		"internal/audit":       0,
		"internal/disposable":  0,
		"internal/fault":       0,
		"internal/idempotency": 0,
		"internal/locale":      0,
		"internal/markdown":    0,
		"internal/metrics":     0,
		"internal/secrets":     0,
		"internal/template":    0,

		"connector/connectortest": 1,
		"connector/redact":        1,
		"internal/connectordocs":  1,
		"internal/bench":          1,
		"internal/config":         1,
		"internal/blocklist":      1,
		"internal/branding":       1,
		"internal/guard":          1,
		"internal/limits":         1,
		"internal/mime":           1,
		"internal/network":        1,
		"internal/queue":          1,
		"internal/scaffold":       1,
		"internal/suppression":    1,
		"internal/templates":      1,

		"internal/template/handlebarstest": 1,

		"connector/oauth":                 2,
		"connector/providerapi":           2,
		"internal/access":                 2,
		"internal/directory":              2,
		"internal/inbox":                  2,
		"internal/outbox":                 2,
		"internal/queue/queuetest":        2,
		"internal/routing":                2,
		"internal/templatecheck":          2,
		"internal/templatefiles":          2,
		"internal/tenants":                2,
		"internal/templates/contactsheet": 2,

		"connectors/aliyundm":  3,
		"connectors/awsses":    3,
		"connectors/azure":     3,
		"connectors/brevo":     3,
		"connectors/builtin":   3,
		"connectors/gmail":     3,
		"connectors/httpemail": 3,
		"connectors/mailgun":   3,
		"connectors/mailjet":   3,
		"connectors/mailjunky": 3,
		"connectors/msgraph":   3,
		"connectors/postmark":  3,
		"connectors/resend":    3,
		"connectors/sendgrid":  3,
		"connectors/smtp":      3,
		"connectors/smtp2go":   3,
		"connectors/sparkpost": 3,

		"internal/admission":     3,
		"internal/compose":       3,
		"internal/events":        3,
		"internal/configuration": 3,

		"connectors":            4,
		"internal/delivery":     4,
		"internal/invitations":  4,
		"internal/verification": 4,

		"internal/api":   6,
		"internal/store": 6,

		"internal/app":             7,
		"internal/store/storetest": 7,

		".": 8,

		"command": 9,

		"cmd/postern": 10,

		"client": 0,

		"examples/custom-connector/pigeon": 3,
		"examples/custom-connector":        10,

		// Servers for tests, and tests of the binary: they know nothing of
		// the packages above.
		"test/servers": 0,
		"test":         1,
	}
}

// homes are the libraries that only some packages may import, by the
// beginning of their import path, each with these packages.
func homes() map[string][]string {
	return map[string][]string{
		"github.com/riverqueue/":             {"internal/queue", "internal/store"},
		"github.com/danielgtaylor/huma/":     {"internal/api", "internal/app"},
		"github.com/go-chi/":                 {"internal/api", "internal/app"},
		"github.com/jackc/pgx/":              {"internal/queue", "internal/store", "test/servers"},
		"modernc.org/":                       {"internal/queue", "internal/store"},
		"github.com/pressly/goose/":          {"internal/store"},
		"database/sql":                       {"internal/queue", "internal/store"},
		"github.com/wneessen/go-mail":        {"internal/mime", "connectors/smtp"},
		"github.com/tink-crypto/":            {"internal/secrets"},
		"github.com/aws/":                    {"connectors/awsses"},
		"github.com/spf13/cobra":             {"command"},
		"github.com/knadh/koanf/":            {"internal/config"},
		"go.yaml.in/yaml/":                   {"internal/templatefiles"},
		"golang.org/x/oauth2":                {"connector/oauth"},
		module + "/internal/config":          {"command"},
		module + "/internal/app":             {"."},
		module + "/connector/connectortest":  {},
		module + "/internal/queue/queuetest": {},
		module + "/internal/store/storetest": {},
		module + "/test":                     {"test"},
	}
}

// standardAlone are the packages that import the standard library and, of
// this module, the named packages only.
func standardAlone() map[string][]string {
	return map[string][]string{
		"client":                {},
		"connector":             {},
		"connector/redact":      {"connector"},
		"connector/providerapi": {"connector", "connector/redact", "internal/address", "internal/mime", "internal/network"},
	}
}

const (
	maxLines = 500 // of a file
	maxChain = 10  // packages on the longest chain of imports
)

// vague are names that say nothing of what a package owns.
func vague() []string {
	return []string{"util", "utils", "common", "helper", "helpers", "types", "model", "models", "core", "base", "misc", "shared"}
}
