package command

import (
	"net"
	"net/netip"
	"strings"
	"unicode"

	"github.com/postern-mail/postern"
	"github.com/postern-mail/postern/internal/config"
)

// welcome shows how to begin. A key that this start made is shown wherever
// stdout leads, since it cannot be had again; the rest is for people only.
func welcome(p process, s config.Settings, at net.Addr, service *postern.Service) error {
	key, made := service.FirstKey()
	if !made && !isTerminal(p.stdout) {
		return nil
	}
	return printf(p.stdout, "%s", greeting(s, localURL(at), key, paint(p.coloured(p.stdout))))
}

// greeting is the text of welcome; key is "" when this start made none.
func greeting(s config.Settings, url, key string, on paint) string {
	bearer := `"Authorization: Bearer $POSTERN_API_KEY"`
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	line()
	if key != "" {
		bearer = "'Authorization: Bearer " + key + "'"
		line(on.bold("Postern is ready."), " Your API key, shown this once:")
		line()
		line("  ", on.key(key))
	} else {
		line(on.bold("Postern is ready"), " at ", url)
		line()
		line("  data      ", where(s))
		line("  inbox     ", url, "/api/inbox")
		line("  API       ", url, "/api/openapi.json")
		line("  figures   ", url, "/metrics")
		line("  new key   ", "postern keys create --name laptop", dataFlag(s))
	}
	line()
	line(on.dim("# Ask for a code:"))
	line("curl -i ", url, "/api/verification-codes \\")
	line("  -H 'Content-Type: application/json' -d '{\"email\":\"ann@example.com\"}' \\")
	line("  -H ", bearer)
	line()
	line(on.dim("# The mail is in the inbox, until you set up a connector;"))
	line(on.dim("# /api/inbox/{id} shows one whole, with the code:"))
	line("curl ", url, "/api/inbox \\")
	line("  -H ", bearer)
	line()
	return b.String()
}

// localURL is where this machine reaches the listener.
func localURL(at net.Addr) string {
	ap, err := netip.ParseAddrPort(at.String())
	if err != nil {
		return "http://" + at.String()
	}
	ip := ap.Addr().Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return "http://" + netip.AddrPortFrom(ip, ap.Port()).String()
}

// where says where the data is.
func where(s config.Settings) string {
	if s.Database != "" {
		return "PostgreSQL, keyset in " + s.Data
	}
	return s.Data + " (SQLite)"
}

// dataFlag is what another command needs to find the same data.
func dataFlag(s config.Settings) string {
	if s.Database != "" || s.Data == "./data" {
		return ""
	}
	return " --data " + shellWord(s.Data)
}

// shellWord quotes text for a POSIX shell, where it needs to be.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("./_-+:@%", r) || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
