package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/outbox"
)

// longestWait is the longest that the API waits for a delivery.
const longestWait = 30 * time.Second

// sendRequest is the body of POST /api/messages.
type sendRequest struct {
	To      string                 `json:"to"`
	Type    connector.TemplateType `json:"type"`
	Payload json.RawMessage        `json:"payload"`
}

// sendAnswer is its answer.
type sendAnswer struct {
	ID     string        `json:"id"`
	Status outbox.Status `json:"status"`
}

func newSend(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Send one mail by hand",
		Long: "Hands one mail to a running service, waits for what becomes of it, and prints its id and status.\n" +
			"The exit code is 0 when it was sent, or accepted and still on its way.",
		Example: "  postern send --to ann@example.com --type SignIn --payload '{\"code\":\"123456\"}'\n" +
			"  postern send --to ann@example.com --type OrganizationInvitation --payload @invitation.json --wait 0s",
		Args: noArgs,
	}
	base := addClient(cmd)
	asJSON := addJSON(cmd.Flags())
	to := cmd.Flags().String("to", "", "who gets it: one `address` (required)")
	kind := cmd.Flags().String("type", "", "the template `type`, such as SignIn or Generic (required)")
	payload := cmd.Flags().String("payload", "{}", "the variables, as a `JSON` object; @file reads them from a file, - from stdin")
	wait := cmd.Flags().Duration("wait", 10*time.Second, "how long to wait for the delivery, at most 30s; 0s not at all")
	var req sendRequest
	cmd.PreRunE = func(*cobra.Command, []string) (err error) {
		if req.To = *to; req.To == "" {
			return errors.New("--to: must be an address")
		}
		if *wait < 0 || *wait > longestWait || *wait > 0 && *wait < time.Second {
			return errors.New("--wait: must be 0s, or from 1s to 30s")
		}
		if req.Type, err = parseType(*kind); err != nil {
			return err
		}
		req.Payload, err = readPayload(p.stdin, *payload)
		return err
	}
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *base)
		if err != nil {
			return err
		}
		var answer sendAnswer
		if err := c.post(cmd.Context(), "/api/messages", req, &answer, *wait); err != nil {
			return err
		}
		return report(p, answer, *asJSON)
	})
	completeTypes(cmd)
	return cmd
}

// report prints what became of a message; an error when it came to nothing.
func report(p process, answer sendAnswer, asJSON bool) error {
	var err error
	if asJSON {
		err = printJSON(p.stdout, answer)
	} else {
		err = printf(p.stdout, "%s %s\n", answer.ID, answer.Status)
	}
	if err == nil && answer.Status.Final() && answer.Status != outbox.Sent {
		err = fmt.Errorf("the mail was not sent: %s", answer.Status)
	}
	return err
}

// readPayload reads a JSON object from the flag itself, @file or - (stdin).
// Its errors do not repeat it: it may carry a code.
func readPayload(stdin io.Reader, text string) (json.RawMessage, error) {
	data := []byte(text)
	var err error
	if path, isFile := strings.CutPrefix(text, "@"); isFile {
		data, err = os.ReadFile(path)
	} else if text == "-" {
		data, err = io.ReadAll(io.LimitReader(stdin, maxAnswer))
	}
	if err != nil {
		return nil, fmt.Errorf("--payload: %w", err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		return nil, errors.New(`--payload: must be a JSON object, such as '{"code":"123456"}'`)
	}
	return data, nil
}

// completeTypes offers the template types to the shell's completion.
func completeTypes(cmd *cobra.Command) {
	words := make([]string, 0, len(connector.TemplateTypes()))
	for _, t := range connector.TemplateTypes() {
		words = append(words, string(t))
	}
	// Fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
