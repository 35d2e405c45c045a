// Package config reads the settings of the service and checks them: from
// flags, POSTERN_… variables and a YAML file, in that order of precedence,
// over defaults. One list (settings.go) gives each setting its name, from
// which flag, variable and key follow.
//
// It does not know what the settings do, and is imported by cmd only.
package config
