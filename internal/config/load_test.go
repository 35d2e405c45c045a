package config_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/postern-mail/postern/internal/config"
)

// load reads settings as a command does that has every flag.
func load(t *testing.T, args, environ []string) (config.Settings, []config.Value, error) {
	t.Helper()
	flags := pflag.NewFlagSet("postern", pflag.ContinueOnError)
	config.AddFlags(flags, config.All)
	if err := flags.Parse(args); err != nil {
		t.Fatalf("parse %q: %v", args, err)
	}
	return config.Load(flags, environ)
}

// settingsFile writes a settings file and returns its path.
func settingsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, shown, err := load(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Settings{
		Addr: "127.0.0.1:3001", Data: "./data", LogLevel: slog.LevelInfo, LogFormat: config.LogAuto,
		Workers: 64, ShutdownTimeout: 10 * time.Second,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, v := range shown {
		if v.From != "default" {
			t.Errorf("%s comes from %q, want default", v.Name, v.From)
		}
	}
}

func TestEverySettingFromEverySource(t *testing.T) {
	t.Parallel()
	given := map[string]string{
		"addr": "0.0.0.0:80", "data": "/var/lib/postern", "database": "postgres://u:p@db/postern",
		"keyset": `{"seal":{}}`, "api-key": "k-1", "allow-private-networks": "true",
		"machine-role-tenants":   "default,prod",
		"allow-reserved-domains": "true", "disposable-domains": "/etc/postern/disposable.txt", "log-addresses": "true", "log-level": "debug",
		"log-format": "json", "workers": "7", "shutdown-timeout": "1m30s",
	}
	want := config.Settings{
		Addr: "0.0.0.0:80", Data: "/var/lib/postern", Database: "postgres://u:p@db/postern",
		Keyset: `{"seal":{}}`, APIKey: "k-1", AllowPrivateNetworks: true, MachineRoleTenants: "default,prod",
		AllowReservedDomains: true, DisposableDomains: "/etc/postern/disposable.txt", LogAddresses: true, LogLevel: slog.LevelDebug,
		LogFormat: config.LogJSON, Workers: 7, ShutdownTimeout: 90 * time.Second,
	}
	var args, environ, lines []string
	for name, text := range given {
		args = append(args, "--"+name+"="+text)
		environ = append(environ, "POSTERN_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+text)
		switch text {
		case "true", "7":
			lines = append(lines, name+": "+text)
		default:
			lines = append(lines, name+": '"+text+"'")
		}
	}
	path := settingsFile(t, strings.Join(lines, "\n"))
	for from, source := range map[string]struct{ args, environ []string }{
		"flags":                    {args: args},
		"variables":                {environ: environ},
		"file":                     {args: []string{"--config", path}},
		"file named by a variable": {environ: []string{"POSTERN_CONFIG=" + path}},
	} {
		got, shown, err := load(t, source.args, source.environ)
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", from, got, want)
		}
		if len(shown) != len(given) {
			t.Errorf("%s: %d settings shown, want %d", from, len(shown), len(given))
		}
		for _, v := range shown {
			if v.From == "default" {
				t.Errorf("%s: %s is shown as a default", from, v.Name)
			}
		}
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	path := settingsFile(t, "addr: file:1\ndata: file\nlog-level: warn\ndatabase:\n")
	args := []string{"--config", path, "--addr", "flag:1", "--database="}
	environ := []string{
		"POSTERN_ADDR=variable:1", "POSTERN_DATA=variable", "POSTERN_LOG_LEVEL=", "POSTERN_DATABASE=postgres://db/x",
		"PATH=/bin", "not a variable", "POSTERN_NONSENSE",
	}
	got, shown, err := load(t, args, environ)
	if err != nil {
		t.Fatal(err)
	}
	if got.Addr != "flag:1" || got.Data != "variable" || got.LogLevel != slog.LevelWarn {
		t.Errorf("got addr %q, data %q, log-level %s", got.Addr, got.Data, got.LogLevel)
	}
	if got.Database != "" {
		t.Error("an empty flag does not override the variable")
	}
	from := map[string]string{}
	for _, v := range shown {
		from[v.Name] = v.From
	}
	for name, want := range map[string]string{
		"addr": "--addr", "data": "POSTERN_DATA", "log-level": path, "database": "--database", "workers": "default",
	} {
		if from[name] != want {
			t.Errorf("%s comes from %q, want %q", name, from[name], want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	tests := map[string]struct {
		args    []string
		environ []string
		file    string
		want    string // the whole error; FILE stands for the file's path
	}{
		"address without port": {
			args: []string{"--addr", "localhost"},
			want: `--addr: must be host:port, such as 127.0.0.1:3001 or :3001, not "localhost"`,
		},
		"address with a bad port": {
			environ: []string{"POSTERN_ADDR=:http"},
			want:    `POSTERN_ADDR: must be host:port, such as 127.0.0.1:3001 or :3001, not ":http"`,
		},
		"no data folder": {args: []string{"--data="}, want: `--data: must not be empty`},
		"other database": {
			args: []string{"--database", "mysql://u:" + secret + "@db/x"},
			want: `--database: must be a postgres:// or postgresql:// URL, or empty for SQLite in the data folder`,
		},
		"unreadable database URL": {
			environ: []string{"POSTERN_DATABASE=postgres://u:" + secret + "@db:port/x"},
			want:    `POSTERN_DATABASE: must be a postgres:// or postgresql:// URL, or empty for SQLite in the data folder`,
		},
		"password with a mark of a URL": {
			environ: []string{"POSTERN_DATABASE=postgres://u:123#" + secret + "@db/x"},
			want:    `POSTERN_DATABASE: must have a password whose special characters are percent-encoded, such as %2F for /`,
		},
		"password with a slash": {
			environ: []string{"POSTERN_DATABASE=postgres://u:" + secret + ":/@db/x"},
			want:    `POSTERN_DATABASE: must have a password whose special characters are percent-encoded, such as %2F for /`,
		},
		"keyset's path": {
			args: []string{"--keyset", "./" + secret},
			want: `--keyset: must be the JSON of a keyset (what keyset.json holds, not its path)`,
		},
		"API key with a space": {
			environ: []string{"POSTERN_API_KEY=" + secret + " x"},
			want:    `POSTERN_API_KEY: must be of visible ASCII characters, without spaces`,
		},
		"neither true nor false": {
			environ: []string{"POSTERN_LOG_ADDRESSES=yes"},
			want:    `POSTERN_LOG_ADDRESSES: must be true or false, not "yes"`,
		},
		"blank file": {args: []string{"--disposable-domains", " "}, want: `--disposable-domains: must be the path of a file, or empty for none, not " "`},
		"no ids":     {args: []string{"--machine-role-tenants", "a, b"}, want: `--machine-role-tenants: must be ids with commas between, such as default,prod, not "a, b"`},
		"log level":  {args: []string{"--log-level", "loud"}, want: `--log-level: must be debug, info, warn or error, not "loud"`},
		"log format": {args: []string{"--log-format", "xml"}, want: `--log-format: must be auto, text or json, not "xml"`},
		"no workers": {args: []string{"--workers", "0"}, want: `--workers: must be a whole number from 1 to 1000, not "0"`},
		"workers in the file": {
			file: "workers: many", want: `workers in FILE: must be a whole number from 1 to 1000, not "many"`,
		},
		"duration without unit": {
			file: "shutdown-timeout: '10'",
			want: `shutdown-timeout in FILE: must be a duration such as 500ms, 10s or 2m, at most 1h, not "10"`,
		},
		"long value": {
			args: []string{"--log-level", strings.Repeat("x", 100)},
			want: `--log-level: must be debug, info, warn or error, not "` + strings.Repeat("x", 60) + `…"`,
		},
		"number for text": {
			file: "api-key: 0123456", want: `api-key in FILE: must be one plain value; put it in quotes if it is text`,
		},
		"list": {
			file: "addr: [a, b]", want: `addr in FILE: must be one plain value; put it in quotes if it is text`,
		},
		"unknown key":        {file: "adr: x", want: `FILE: unknown key "adr"; did you mean addr?`},
		"unknown nested key": {file: "smtp:\n  password: " + secret, want: `FILE: unknown key "smtp.password"`},
		"unknown variable": {
			environ: []string{"POSTERN_DATABSE=" + secret},
			want:    `unknown variable POSTERN_DATABSE; did you mean POSTERN_DATABASE?`,
		},
		"unknown and unlike any": {environ: []string{"POSTERN_XYZZY_AND_SO_ON=1"}, want: `unknown variable POSTERN_XYZZY_AND_SO_ON`},
		"no YAML at all":         {file: secret, want: `FILE: not valid YAML: must be lines of the form key: value`},
		"broken YAML": {
			file: "addr: [" + secret, want: `FILE: not valid YAML: line 1: did not find expected ',' or ']'`,
		},
		"key given twice": {
			file: "data: a\ndata: b",
			want: `FILE: not valid YAML: line 2: mapping key "data" already defined at line 1`,
		},
		"missing file": {
			args: []string{"--config", "/nowhere.yaml"},
			want: `--config: cannot read /nowhere.yaml: no such file or directory`,
		},
		"missing file of the variable": {
			environ: []string{"POSTERN_CONFIG=/nowhere.yaml"},
			want:    `POSTERN_CONFIG: cannot read /nowhere.yaml: no such file or directory`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := test.args
			if test.file != "" {
				path := settingsFile(t, test.file)
				args = append(args, "--config", path)
				test.want = strings.ReplaceAll(test.want, "FILE", path)
			}
			_, _, err := load(t, args, test.environ)
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error shows a secret")
			}
		})
	}
}

func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	environ := []string{
		"POSTERN_TEST_DATABASE=x", "POSTERN_SERVICE_HOST=10.0.0.1", "POSTERN_SERVICE_PORT=80", "POSTERN_SERVICE_PORT_HTTP=80",
		"POSTERN_PORT=tcp://10.0.0.1:80", "POSTERN_PORT_80_TCP=tcp://10.0.0.1:80", "POSTERN_PORT_80_TCP_PROTO=tcp",
		"POSTERN_SMTP_PORT_25_TCP_ADDR=10.0.0.1",
	}
	if _, _, err := load(t, nil, environ); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	tests := map[string]string{
		"":                                       "",
		"postgres://db/postern":                  "postgres://db/postern",
		"postgres://u@db:5432/p?sslmode=disable": "postgres://u@db:5432/p?sslmode=disable",
		"postgresql://u:hunter2@db/p":            "postgresql://u:********@db/p",
		"postgres://u:hunter2@db/p?sslmode=require&password=hunter2&x=hunter2": "postgres://u:********@db/p?sslmode=require&********&********",
		"postgres:///p?host=/run/pg&PassWord=hunter2":                          "postgres:///p?host=/run/pg&********",
		"postgres://db/p?%70assword=hunter2":                                   "postgres://db/p?********",
		"postgres://u:1?hunter2":                                               "postgres://u:1?********",
		"postgres://db/p?&%zz=hunter2":                                         "postgres://db/p?********",
	}
	for database, want := range tests {
		s, shown, err := load(t, []string{
			"--database", database, "--api-key", secret, "--keyset", `{"seal":"` + secret + `"}`,
		}, nil)
		if err != nil {
			t.Errorf("%s: %v", database, err)
			continue
		}
		if s.Database.Reveal() != database || s.APIKey.Reveal() != secret {
			t.Errorf("%s: the settings themselves are masked", database)
		}
		text, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) {
			t.Errorf("%s: shown with a secret: %s", database, text)
		}
		for _, v := range shown {
			if v.Name == "database" && v.Value != want {
				t.Errorf("database shown as %q, want %q", v.Value, want)
			}
		}
	}
}

func TestShownValuesKeepTheirKind(t *testing.T) {
	t.Parallel()
	_, shown, err := load(t, []string{"--log-addresses", "--workers=8", "--log-level=WARN", "--shutdown-timeout=90s"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, v := range shown {
		got[v.Name] = v.Value
	}
	for name, want := range map[string]any{
		"log-addresses": true, "workers": 8, "log-level": "warn", "shutdown-timeout": "1m30s", "data": "./data",
	} {
		if got[name] != want {
			t.Errorf("%s is shown as %#v, want %#v", name, got[name], want)
		}
	}
}

func TestACommandHasTheFlagsOfItsGroup(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("postern", pflag.ContinueOnError)
	config.AddFlags(flags, config.Client)
	if flags.Lookup("api-key") == nil || flags.Lookup("config") == nil {
		t.Error("a client has no --api-key or no --config")
	}
	if flags.Lookup("database") != nil {
		t.Error("a client has --database")
	}
	s, _, err := config.Load(flags, []string{"POSTERN_WORKERS=3"})
	if err != nil || s.Workers != 3 {
		t.Errorf("a setting without flag: got %d, %v; want 3 from the variable", s.Workers, err)
	}
}
