package command

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
)

// verifyRequest is the body of POST /api/verification-codes/verify.
type verifyRequest struct {
	Email string                 `json:"email"`
	Code  string                 `json:"verificationCode"`
	Type  connector.TemplateType `json:"type,omitempty"`
	// SessionID is the session that the code was bound to, if any.
	SessionID string `json:"sessionId,omitempty"`
}

// verdict is what verify --json prints.
type verdict struct {
	Verified bool   `json:"verified"`
	Code     string `json:"code,omitempty"` // why not
	Message  string `json:"message,omitempty"`
}

func newVerify(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check a verification code",
		Long: "Checks a verification code, and uses it up if it is right. The exit code is 0 when it is right\n" +
			"and 1 when it is not.",
		Example: "  postern verify --email ann@example.com --code 123456\n" +
			"  postern verify --email ann@example.com --code 123456 --type SignIn --json",
		Args: noArgs,
	}
	base := addClient(cmd)
	asJSON := addJSON(cmd.Flags())
	var req verifyRequest
	cmd.Flags().StringVar(&req.Email, "email", "", "the `address` that the code went to (required)")
	cmd.Flags().StringVar(&req.Code, "code", "", "the code (required)")
	kind := cmd.Flags().String("type", "", "the template `type` it was asked for with; by default Generic")
	cmd.Flags().StringVar(&req.SessionID, "session", "", "the session that it was bound to")
	cmd.PreRunE = func(*cobra.Command, []string) (err error) {
		if req.Email == "" || req.Code == "" {
			return errors.New("--email and --code are required")
		}
		if *kind != "" {
			req.Type, err = parseType(*kind)
		}
		return err
	}
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *base)
		if err != nil {
			return err
		}
		err = c.post(cmd.Context(), "/api/verification-codes/verify", req, nil, 0)
		return tell(p, err, *asJSON)
	})
	completeTypes(cmd)
	return cmd
}

// tell prints the verdict that err, or its absence, is.
func tell(p process, err error, asJSON bool) error {
	refused, isAnswer := errors.AsType[*apiError](err)
	isVerdict := err == nil || isAnswer && (strings.HasPrefix(refused.Code, "verification_code.") ||
		strings.HasPrefix(refused.Code, "session.verification"))
	switch {
	case !isVerdict:
		return err
	case asJSON && err == nil:
		return printJSON(p.stdout, verdict{Verified: true})
	case asJSON:
		return errors.Join(err, printJSON(p.stdout, verdict{Code: refused.Code, Message: refused.Message}))
	case err == nil:
		return printf(p.stdout, "the code is right\n")
	}
	return err
}
