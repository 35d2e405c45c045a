package command

import (
	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/api"
)

func newOpenAPI(p process) *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "Print the API's OpenAPI document",
		Long:  "Prints the OpenAPI 3.1 document of the HTTP API, as a running service has it at /api/openapi.json.",
		Example: "  postern openapi > openapi.json\n" +
			"  postern openapi | npx openapi-typescript /dev/stdin -o postern.d.ts",
		Args: noArgs,
		RunE: work(func(*cobra.Command, []string) error {
			document, err := api.OpenAPI()
			if err != nil {
				return err
			}
			_, err = p.stdout.Write(append(document, '\n'))
			return err
		}),
	}
}
