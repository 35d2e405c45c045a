package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/tenants"
)

func newConfigImport(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a tenant's configuration that of an exported file",
		Long: "Makes the configuration of a tenant that of a file that export wrote; - is the standard input. What the\n" +
			"file does not have is removed. It shows what changes, asks on a terminal, and then changes all of it or\n" +
			"nothing.\n\n" +
			"A masked secret takes the value sealed in the file, else the one that the tenant has in the same place.\n" +
			"Others are asked for on a terminal, or taken from --secrets-file, a JSON object by their places:\n\n" +
			"  {\"connector.config.auth.pass\": \"…\", \"fallbackConnectors[0].config.apiKey\": \"…\"}",
		Example: "  postern config import --tenant prod dev.json\n" +
			"  postern config import --tenant prod --secrets-file secrets.json --yes dev.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("takes one file that postern config export wrote, or - for the standard input")
			}
			return nil
		},
	}
	base := addClient(cmd)
	how := addApplyFlags(cmd, "import", "Imported")
	tenant := cmd.Flags().String("tenant", tenants.Default, "the `id` of the tenant to change")
	secretsFile := cmd.Flags().String("secrets-file", "", "a JSON `file` with secrets that are masked")
	cmd.PreRunE = func(*cobra.Command, []string) error { return how.check() }
	cmd.RunE = work(func(cmd *cobra.Command, args []string) error {
		c, err := newClient(cmd, p, *base)
		if err != nil {
			return err
		}
		document, err := readDocument(p, args[0])
		if err != nil {
			return err
		}
		if *secretsFile != "" {
			if err := fillFromFile(document, args[0], *secretsFile); err != nil {
				return err
			}
		}
		found, err := tryImport(cmd.Context(), p, c, *tenant, document)
		if err != nil {
			return err
		}
		return how.apply(p, c.base.Redacted(), *tenant, found, func() (changesAnswer, error) {
			return c.importConfiguration(cmd.Context(), *tenant, document, false, found.Fingerprint)
		})
	})
	return cmd
}

// readDocument reads a document as JSON; the service checks what it says.
func readDocument(p process, name string) (any, error) {
	var text []byte
	var err error
	if name == "-" {
		name = "the standard input"
		text, err = io.ReadAll(io.LimitReader(p.stdin, configuration.MaxDocument+1))
	} else {
		text, err = os.ReadFile(name)
	}
	switch {
	case err != nil:
		return nil, fileError(err)
	case len(text) > configuration.MaxDocument:
		return nil, fmt.Errorf("%s: is larger than %d MiB", name, configuration.MaxDocument>>20)
	}
	// Read strictly first: decoding would forget repeated keys and the like.
	if _, err := parseDocument(name, text); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var document any
	if err := dec.Decode(&document); err != nil {
		return nil, fmt.Errorf("%s: must be JSON", name)
	}
	return document, nil
}

// tryImport compares a document with a tenant, and asks for the secrets that
// are missing, which it puts into the document.
func tryImport(ctx context.Context, p process, c *client, tenant string, document any) (changesAnswer, error) {
	found, err := c.importConfiguration(ctx, tenant, document, true, "")
	missing, ok := missingSecrets(err)
	if !ok {
		return found, err
	}
	if !isTerminal(p.stdin) {
		places := make([]string, len(missing))
		for i, issue := range missing {
			places[i] = pathText(issue.Path)
		}
		return found, fmt.Errorf("the file masks secrets that are not known here: give them in --secrets-file, as {%q: \"…\"}. Missing: %s",
			places[0], strings.Join(places, ", "))
	}
	for _, issue := range missing {
		place := pathText(issue.Path)
		if err := printf(p.stderr, "%s %s.\n", place, strings.TrimSpace(visible(issue.Message))); err != nil {
			return found, err
		}
		secret, err := askSecret(p, place)
		switch {
		case err != nil:
			return found, err
		case secret == "":
			return found, fmt.Errorf("%s: no secret was given, so %s was not changed", place, tenant)
		case !fill(document, issue.Path, secret):
			return found, fmt.Errorf("%s asked for %s, which the file does not have", c.base.Host, place)
		}
	}
	return c.importConfiguration(ctx, tenant, document, true, "")
}

// missingSecrets returns the issues of an answer that asks for secrets.
func missingSecrets(err error) ([]apiIssue, bool) {
	refused, ok := errors.AsType[*apiError](err)
	if !ok || refused.Code != "configuration.secrets_required" || len(refused.Data.Issues) == 0 {
		return nil, false
	}
	return refused.Data.Issues, true
}

// fillFromFile puts the secrets of a file into a document.
func fillFromFile(document any, documentName, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fileError(err)
	}
	var secrets map[string]string
	if json.Unmarshal(text, &secrets) != nil {
		return fmt.Errorf("%s: must be a JSON object of strings, such as {\"connector.config.auth.pass\": \"…\"}", name)
	}
	masked := make(map[string][]any)
	findMasks(document, nil, masked)
	for _, place := range slices.Sorted(maps.Keys(secrets)) {
		path, ok := masked[place]
		if !ok {
			return fmt.Errorf("%s: %q is no masked secret of %s", name, place, documentName)
		}
		fill(document, path, secrets[place])
	}
	return nil
}

// findMasks collects the places of masks by how they are written.
func findMasks(v any, path []any, found map[string][]any) {
	switch v := v.(type) {
	case map[string]any:
		for key, inside := range v {
			findMasks(inside, append(slices.Clone(path), key), found)
		}
	case []any:
		for i, inside := range v {
			findMasks(inside, append(slices.Clone(path), i), found)
		}
	case string:
		if v == connector.SecretMask {
			found[pathText(path)] = path
		}
	}
}

// fill puts a secret at a place of a document; ok tells whether there is such
// a place.
func fill(document any, path []any, secret string) (ok bool) {
	for i, step := range path {
		last := i == len(path)-1
		switch at := document.(type) {
		case map[string]any:
			key, isKey := step.(string)
			if _, there := at[key]; !isKey || !there {
				return false
			}
			if last {
				at[key] = secret
			}
			document = at[key]
		case []any:
			index, isIndex := indexOf(step)
			if !isIndex || index < 0 || index >= len(at) {
				return false
			}
			if last {
				at[index] = secret
			}
			document = at[index]
		default:
			return false
		}
	}
	return len(path) > 0
}

// indexOf reads an index, which is a float64 where JSON was decoded.
func indexOf(step any) (int, bool) {
	switch n := step.(type) {
	case int:
		return n, true
	case float64:
		return int(n), true
	}
	return 0, false
}
