package config

import (
	"log/slog"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
)

// Settings are the effective settings, checked.
type Settings struct {
	Addr                 string           // host:port to listen on; an empty host means every interface
	Data                 string           // data folder
	Database             connector.Secret // postgres:// URL; "" means SQLite in the data folder
	Keyset               connector.Secret // JSON of the keyset; "" means the data folder's file
	APIKey               connector.Secret // first management key; "" means one is made
	AllowPrivateNetworks bool             // connectors and webhooks may reach private addresses
	MachineRoleTenants   string           // ids, with commas between, of tenants that may use the machine's cloud role
	AllowReservedDomains bool             // mail may go to domains such as example.com
	DisposableDomains    string           // file of domains of throw-away mailboxes; "" means the built-in list
	LogAddresses         bool             // logs show addresses in full
	LogLevel             slog.Level
	LogFormat            string        // LogAuto, LogText or LogJSON
	Workers              int           // deliveries at once
	ShutdownTimeout      time.Duration // how long a stop waits for what is under way
}

// The values of Settings.LogFormat.
const (
	LogAuto = "auto" // text on a terminal, JSON otherwise
	LogText = "text"
	LogJSON = "json"
)

// Group says which commands have use for a setting.
type Group uint

// The groups; a setting may belong to several.
const (
	Storage Group = 1 << iota // commands that open the database
	Client                    // commands that call the API of a running service
	Serving                   // the service itself
	All     = Storage | Client | Serving
)

// setting is one line of the list. Its name is the flag and the YAML key, and
// gives the variable its name.
type setting struct {
	name   string
	hint   string // what kind of value, for help texts; "" for a switch
	preset string // the default, as it would be given
	help   string
	groups Group
	mask   func(text string) string // for secrets: what to show instead
	target target
}

func (s setting) variable() string { return variableName(s.name) }

func variableName(name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// list returns every setting, bound to the fields of s, in the order shown.
func list(s *Settings) []setting {
	return []setting{
		{
			name: "addr", hint: "host:port", preset: "127.0.0.1:3001", groups: Serving,
			help: "where to listen; port 0 takes a free one", target: bind(&s.Addr, address),
		},
		{
			name: "data", hint: "folder", preset: "./data", groups: Serving | Storage,
			help: "where the database and the keyset are kept", target: bind(&s.Data, notEmpty),
		},
		{
			name: "database", hint: "url", groups: Serving | Storage, mask: maskURL,
			help:   "PostgreSQL, as postgres://user@host/name; without it SQLite in the data folder",
			target: bind(&s.Database, databaseURL),
		},
		{
			name: "keyset", hint: "json", groups: Serving | Storage, mask: maskAll,
			help:   "keys that seal secrets at rest, instead of keyset.json in the data folder; better given as a variable",
			target: bind(&s.Keyset, keyset),
		},
		{
			name: "api-key", hint: "key", groups: Serving | Client, mask: maskAll,
			help:   "API key: serve lets it do everything, send and verify call with it; better given as a variable",
			target: bind(&s.APIKey, apiKey),
		},
		{
			name: "allow-private-networks", preset: "false", groups: Serving,
			help:   "let connectors and webhooks reach private and loopback addresses (development, or mail servers inside)",
			target: bind(&s.AllowPrivateNetworks, boolean),
		},
		{
			name: "machine-role-tenants", hint: "ids", groups: Serving,
			help:   "tenants, with commas between, whose connectors may send as the machine's own role at its cloud (AWS)",
			target: bind(&s.MachineRoleTenants, ids),
		},
		{
			name: "allow-reserved-domains", preset: "false", groups: Serving,
			help:   "let mail go to reserved domains such as example.com (development)",
			target: bind(&s.AllowReservedDomains, boolean),
		},
		{
			name: "disposable-domains", hint: "file", groups: Serving,
			help:   "domains of throw-away mailboxes, one a line, in place of the built-in list; read again when it changes",
			target: bind(&s.DisposableDomains, optionalFile),
		},
		{
			name: "log-addresses", preset: "false", groups: Serving,
			help: "show e-mail addresses in full in logs", target: bind(&s.LogAddresses, boolean),
		},
		{
			name: "log-level", hint: "level", preset: "info", groups: Serving | Storage,
			help: "least important entries to log: debug, info, warn or error", target: bind(&s.LogLevel, level),
		},
		{
			name: "log-format", hint: "format", preset: LogAuto, groups: Serving | Storage,
			help:   "text, json, or auto: text on a terminal and JSON otherwise",
			target: bind(&s.LogFormat, oneOf(LogAuto, LogText, LogJSON)),
		},
		{
			name: "workers", hint: "number", preset: "64", groups: Serving,
			help: "deliveries at once", target: bind(&s.Workers, between(1, 1000)),
		},
		{
			name: "shutdown-timeout", hint: "duration", preset: "10s", groups: Serving,
			help:   "how long a stop waits for requests and deliveries under way",
			target: bind(&s.ShutdownTimeout, durationUpTo(time.Hour)),
		},
	}
}
