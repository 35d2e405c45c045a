package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"image"
	"image/png"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templates"
)

// options say what is on the sheet.
type options struct {
	kind      connector.TemplateType
	languages []string // all when empty
	width     int      // of each mail, in CSS pixels
	columns   int
	scale     float64
	dark      bool
	names     bool // mention an application, an organization and people
}

func main() {
	var o options
	kind := flag.String("type", string(connector.SignIn), "the `type` of the mail")
	languages := flag.String("languages", "", "`tags` divided by commas; all when empty")
	flag.IntVar(&o.width, "width", 360, "width of a mail in `pixels`")
	flag.IntVar(&o.columns, "columns", 8, "mails side by side")
	flag.Float64Var(&o.scale, "scale", 0.75, "size of the picture")
	flag.BoolVar(&o.dark, "dark", false, "in dark colours")
	flag.BoolVar(&o.names, "names", true, "mention an application, an organization and people")
	flag.Parse()
	o.kind = connector.TemplateType(*kind)
	if *languages != "" {
		o.languages = strings.Split(*languages, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o, flag.Arg(0))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "contactsheet:", err)
		os.Exit(1)
	}
}

// run makes the sheet and writes it to the file out.
func run(ctx context.Context, o options, out string) error {
	if out == "" {
		return errors.New("say where the picture goes: contactsheet [flags] sheet.png")
	}
	page, err := sheet(o)
	if err != nil {
		return err
	}
	picture, err := photograph(ctx, page, o)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&file, fewColours(trim(picture))); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return os.WriteFile(out, file.Bytes(), 0o600)
}

// sheet returns a page with a frame for each mail, as high as the mail is. One
// that is wider than its frame stands on red.
func sheet(o options) (string, error) {
	builtin, err := templates.NewBuiltin()
	if err != nil {
		return "", err
	}
	if len(o.languages) == 0 {
		o.languages = builtin.Languages()
	}
	var page strings.Builder
	fmt.Fprintf(&page, `<!doctype html><meta charset="utf-8"><style>
body{margin:12px;background:%s;color:%s;font:600 15px sans-serif;display:grid;gap:14px 12px;grid-template-columns:repeat(%d,%dpx);zoom:%g}
iframe{border:0;width:100%%;display:block;margin-top:4px}
</style><script>
function fit(frame) {
	const mail = frame.contentDocument.documentElement
	frame.style.height = mail.scrollHeight + 'px'
	if (mail.scrollWidth > frame.clientWidth) frame.parentNode.style.background = 'red'
}
</script>`, pick(o.dark, "#333", "#fff"), pick(o.dark, "#fff", "#222"), o.columns, o.width, o.scale)
	for _, tag := range o.languages {
		mail, err := builtin.Render(o.kind, payload(o), templates.Options{Locale: tag, Validity: 10 * time.Minute})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&page, `<div>%s<iframe srcdoc="%s" onload="fit(this)"></iframe></div>`, html.EscapeString(tag), html.EscapeString(mail.HTML))
	}
	return page.String(), nil
}

// payload is what the mails are about.
func payload(o options) map[string]any {
	p := map[string]any{"code": "482913"}
	if !o.kind.CarriesCode() {
		p = map[string]any{"link": "https://app.example.com/join?id=7f2c9a&token=w8Zk3qXv"}
	}
	if o.names {
		p["application"] = map[string]any{"name": "Acme", "branding": map[string]any{"senderName": "Acme Inc. (EU)"}}
		p["organization"] = map[string]any{"name": "Umbrella (UK)"}
		p["user"] = map[string]any{"name": "Ann Smith"}
		p["inviter"] = map[string]any{"name": "Bob Li"}
	}
	return p
}

// photograph shows the page in Chromium and returns what is to be seen.
func photograph(ctx context.Context, page string, o options) (_ image.Image, err error) {
	folder, err := os.MkdirTemp("", "contactsheet-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	source, shot := filepath.Join(folder, "sheet.html"), filepath.Join(folder, "sheet.png")
	if err := os.WriteFile(source, []byte(page), 0o600); err != nil {
		return nil, err
	}
	const tallest = 12000 // what is empty below is cut off
	width := int(float64(o.columns*(o.width+12)+12) * o.scale)
	flags := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-lcd-text", "--virtual-time-budget=10000",
		"--user-data-dir=" + folder, "--screenshot=" + shot, fmt.Sprintf("--window-size=%d,%d", width, tallest),
	}
	if o.dark {
		flags = append(flags, "--blink-settings=preferredColorScheme=0")
	}
	if said, err := exec.CommandContext(ctx, "chromium", append(flags, source)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("chromium: %w\n%s", err, said)
	}
	file, err := os.Open(shot)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return png.Decode(file)
}

func pick(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
