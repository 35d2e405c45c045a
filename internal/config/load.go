package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

const (
	prefix       = "POSTERN_"
	fileVariable = prefix + "CONFIG"
	// testPrefix begins the variables that only tests read.
	testPrefix  = prefix + "TEST_"
	defaultFile = "postern.yaml"
)

// source is one place that settings come from.
type source struct {
	values *koanf.Koanf
	from   func(s setting) string
}

// Load puts the settings together: flags (as AddFlags made them) over the
// variables of environ over the settings file over the defaults. A variable
// that is set to nothing counts as not set. It also returns every setting as
// it may be shown, in order.
//
// An error is one line that names the setting, where it came from and what is
// allowed, and holds no secret.
func Load(flags *pflag.FlagSet, environ []string) (Settings, []Value, error) {
	var s Settings
	settings := list(&s)
	sources, err := open(settings, flags, environ)
	if err != nil {
		return Settings{}, nil, err
	}
	shown := make([]Value, 0, len(settings))
	for _, one := range settings {
		v, err := one.load(sources)
		if err != nil {
			return Settings{}, nil, err
		}
		shown = append(shown, v)
	}
	return s, shown, nil
}

// load fills the setting's field from the last source that has it.
func (s setting) load(sources []source) (Value, error) {
	for _, src := range slices.Backward(sources) {
		given := src.values.Get(s.name)
		if given == nil {
			continue
		}
		text, err := plainText(given, s.hint)
		if err == nil {
			err = s.target.set(text)
		}
		from := src.from(s)
		if err != nil {
			return Value{}, fmt.Errorf("%s: %w%s", s.named(from), err, s.but(text))
		}
		return Value{Name: s.name, Value: s.shown(text), From: from}, nil
	}
	return Value{}, fmt.Errorf("%s: not set", s.name)
}

// named is the setting at fault and where it came from.
func (s setting) named(from string) string {
	if from == "--"+s.name || from == s.variable() {
		return from
	}
	return s.name + " in " + from
}

// but quotes a refused value, unless it is a secret.
func (s setting) but(text string) string {
	if s.mask != nil || text == "" {
		return ""
	}
	const longest = 60
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return fmt.Sprintf(", not %q", text)
}

// plainText returns a value as it would be given by a flag. Numbers in a file
// are taken for numbers only: YAML reads 0123 as 83 and 1_0 as 10, which
// nobody means in a password.
func plainText(given any, hint string) (string, error) {
	switch v := given.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int, int64, uint64:
		if hint == "number" {
			return fmt.Sprint(v), nil
		}
	}
	return "", errors.New("must be one plain value; put it in quotes if it is text")
}

// open reads every source, the least important first.
func open(settings []setting, flags *pflag.FlagSet, environ []string) ([]source, error) {
	presets := map[string]any{}
	for _, s := range settings {
		presets[s.name] = s.preset
	}
	defaults, err := read(confmap.Provider(presets, ""), nil)
	if err != nil {
		return nil, fmt.Errorf("read the defaults: %w", err)
	}
	sources := []source{{defaults, func(setting) string { return "default" }}}

	path, given := filePath(flags, environ)
	fromFile, err := openFile(path, given, settings)
	if err != nil {
		return nil, err
	}
	if fromFile != nil {
		sources = append(sources, source{fromFile, func(setting) string { return path }})
	}

	variables, err := openVariables(settings, environ)
	if err != nil {
		return nil, err
	}
	ours, err := read(posflag.ProviderWithFlag(flags, "", nil, func(f *pflag.Flag) (string, any) {
		if _, ok := f.Value.(*flagText); !ok {
			return "", nil
		}
		return f.Name, f.Value.String()
	}), nil)
	if err != nil {
		return nil, fmt.Errorf("read the flags: %w", err)
	}
	return append(sources,
		source{variables, setting.variable},
		source{ours, func(s setting) string { return "--" + s.name }},
	), nil
}

func read(p koanf.Provider, parser koanf.Parser) (*koanf.Koanf, error) {
	k := koanf.New(".")
	err := k.Load(p, parser)
	return k, err
}

// filePath returns the settings file, and what named it, if anything did.
func filePath(flags *pflag.FlagSet, environ []string) (path, given string) {
	if f := flags.Lookup(fileFlag); f != nil && f.Changed {
		return f.Value.String(), "--" + fileFlag
	}
	for _, entry := range slices.Backward(environ) {
		if path, ok := strings.CutPrefix(entry, fileVariable+"="); ok && path != "" {
			return path, fileVariable
		}
	}
	return defaultFile, ""
}

// openFile reads the settings file; nil when it is not there and nobody asked
// for it.
func openFile(path, given string, settings []setting) (*koanf.Koanf, error) {
	k, err := read(file.Provider(path), yaml.Parser())
	var wrong *fs.PathError
	switch {
	case given == "" && errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // no file and no error is the usual case
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("%s: cannot read %s: %w", or(given, "settings file"), path, wrong.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: not valid YAML: %s", path, yamlProblem(err))
	}
	names := names(settings)
	for _, key := range k.Keys() {
		if !slices.Contains(names, key) {
			return nil, fmt.Errorf("%s: unknown key %q%s", path, key, meant(key, names))
		}
	}
	return k, nil
}

// quoted is where the YAML parser quotes the file, which may hold secrets.
var quoted = regexp.MustCompile("`[^`]*`")

// yamlProblem turns the parser's error into one line without values.
func yamlProblem(err error) string {
	text := quoted.ReplaceAllString(err.Error(), "a value")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "yaml: "), "unmarshal errors:")
	if strings.Contains(text, "into map[string]") {
		return "must be lines of the form key: value"
	}
	return strings.Join(strings.Fields(text), " ")
}

func openVariables(settings []setting, environ []string) (*koanf.Koanf, error) {
	names := names(settings)
	byVariable := map[string]string{}
	known := []string{fileVariable}
	for _, name := range names {
		byVariable[variableName(name)] = name
		known = append(known, variableName(name))
	}
	var unknown error
	k, err := read(env.Provider("", env.Opt{
		Prefix:      prefix,
		EnvironFunc: func() []string { return proper(environ) },
		TransformFunc: func(variable, value string) (string, any) {
			name, ok := byVariable[variable]
			if !ok && unknown == nil && variable != fileVariable && !foreign(variable) {
				unknown = fmt.Errorf("unknown variable %s%s", variable, meant(variable, known))
			}
			if value == "" {
				return "", nil
			}
			return name, value
		},
	}), nil)
	if unknown != nil {
		return nil, unknown
	}
	if err != nil {
		return nil, fmt.Errorf("read the variables: %w", err)
	}
	return k, nil
}

// proper leaves out entries that are no variables: a parent may pass any text.
func proper(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		return !strings.Contains(entry, "=")
	})
}

// serviceLink matches the variables that Kubernetes sets in every container
// for a Service called postern or postern-something.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// foreign reports whether a variable with our prefix is not ours to judge.
func foreign(variable string) bool {
	return strings.HasPrefix(variable, testPrefix) || serviceLink.MatchString(variable)
}

func names(settings []setting) []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.name
	}
	return names
}

// meant suggests the known name that is nearest to an unknown one.
func meant(name string, known []string) string {
	near := nearest(name, known)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", near)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
