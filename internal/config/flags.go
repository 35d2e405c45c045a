package config

import (
	"github.com/spf13/pflag"
)

// fileFlag names the settings file; it is no setting itself.
const fileFlag = "config"

// AddFlags adds the flags of the settings in a group, and --config, to a
// command's flags. Load reads them.
func AddFlags(flags *pflag.FlagSet, group Group) {
	flags.String(fileFlag, "", "settings `file` (YAML); by default "+defaultFile+" where there is one")
	for _, s := range list(&Settings{}) {
		if s.groups&group == 0 {
			continue
		}
		f := flags.VarPF(&flagText{text: s.preset, hint: s.hint}, s.name, "", s.help)
		if s.hint == "" {
			f.NoOptDefVal = "true"
		}
	}
}

// flagText is a flag's text as given. It is read by Load, so that a bad value
// is refused in the same words wherever it came from.
type flagText struct {
	text string
	hint string
}

func (f *flagText) String() string { return f.text }

func (f *flagText) Set(text string) error {
	f.text = text
	return nil
}

// Type is what help texts show behind the flag's name; pflag takes "bool" for
// a flag without a value.
func (f *flagText) Type() string {
	if f.hint == "" {
		return "bool"
	}
	return f.hint
}
