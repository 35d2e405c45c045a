package awsses

import (
	"context"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

const (
	// metadataEndpoint is where EC2 tells a machine about itself
	// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html),
	// containerEndpoint where ECS tells a task.
	metadataEndpoint  = "http://169.254.169.254"
	containerEndpoint = "http://169.254.170.2"

	// renewBefore is how long before their end temporary credentials are
	// replaced.
	renewBefore = 5 * time.Minute

	sessionName = "postern"
)

// identity is who signs: the access key of the settings or the machine's role,
// and the role of the settings on top of it. It implements
// aws.CredentialsProvider.
type identity struct {
	settings settings
	source   aws.CredentialsProvider // nil when there is none
	sts      *providerapi.Client
	// machine reaches the machine's own services. They are at addresses that
	// connectors cannot connect to, and nothing in the settings leads to them.
	machine *http.Transport // nil when the settings hold an access key

	last atomic.Pointer[aws.Credentials]
}

// errNotLent is what every mail fails with where the settings ask for the
// machine's role and the operator does not lend it to this tenant: with it
// everybody who may change a connector could act as the machine.
var errNotLent = &connector.Error{
	Class:   connector.ConfigFault,
	Message: "the settings hold no access key, and the operator does not lend the machine's role to this tenant",
}

func newIdentity(s settings, host connector.Host, around surroundings) *identity {
	i := &identity{settings: s}
	i.sts = providerapi.New(providerapi.Options{Host: host, Proxy: s.Proxy, Explain: explainSTS, Secrets: i.secrets})
	switch {
	case s.AccessKeyID != "":
		i.source = credentials.NewStaticCredentialsProvider(string(s.AccessKeyID), s.AccessKeySecret.Reveal(), s.SessionToken.Reveal())
	case host.MachineRole:
		i.machine = providerapi.NewTransport(nil)
		i.source = cached(i.machineRole(around))
	default:
		return i
	}
	if s.RoleARN != "" {
		i.source = cached(stscreds.NewAssumeRoleProvider(i.tokenService(i.source), string(s.RoleARN), func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = sessionName
		}))
	}
	return i
}

func cached(p aws.CredentialsProvider) aws.CredentialsProvider {
	return aws.NewCredentialsCache(p, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
}

// machineRole finds out how this machine gets its role, in the order of AWS's
// own chain (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html):
// the service account of a pod, the role of a task or pod, the instance
// profile. Keys in the environment and files of profiles are of a person, not
// of a machine.
func (i *identity) machineRole(around surroundings) aws.CredentialsProvider {
	if file, role := around.getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), around.getenv("AWS_ROLE_ARN"); file != "" && role != "" {
		return stscreds.NewWebIdentityRoleProvider(i.tokenService(aws.AnonymousCredentials{}), role, stscreds.IdentityTokenFile(file),
			func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = sessionName })
	}
	endpoint := around.getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := around.getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		endpoint = containerEndpoint + relative
	}
	client := &http.Client{Transport: i.machine, Timeout: providerapi.Timeout}
	if endpoint != "" {
		return endpointcreds.New(endpoint, func(o *endpointcreds.Options) {
			o.HTTPClient, o.Retryer = client, aws.NopRetryer{}
			o.AuthorizationToken = around.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
			if file := around.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
				o.AuthorizationTokenProvider = tokenFile(file)
			}
		})
	}
	return ec2rolecreds.New(func(o *ec2rolecreds.Options) {
		o.Client = imds.New(imds.Options{
			Endpoint: around.metadata, ClientEnableState: imds.ClientEnabled, EnableFallback: aws.FalseTernary,
			HTTPClient: client, Retryer: aws.NopRetryer{},
		})
	})
}

// tokenFile is the file that the platform writes a container's token into.
type tokenFile string

// GetToken implements endpointcreds.AuthTokenProvider.
func (f tokenFile) GetToken() (string, error) {
	token, err := os.ReadFile(string(f))
	return string(token), err //nolint:wrapcheck // goes to AWS's library, and no further
}

// tokenService is AWS STS of the region. The settings' endpoint is that of
// SES: tokens and sessions never go there.
func (i *identity) tokenService(source aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{
		Region: string(i.settings.Region), Credentials: source, Retryer: aws.NopRetryer{}, HTTPClient: &carriers{client: i.sts},
	})
}

// carriers carries requests that are no mails.
type carriers struct{ client *providerapi.Client }

// Do implements the HTTPClient of AWS's library.
func (c *carriers) Do(r *http.Request) (*http.Response, error) {
	return (&carrier{client: c.client}).Do(r)
}

// Retrieve implements aws.CredentialsProvider.
func (i *identity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := i.source.Retrieve(ctx)
	if err == nil {
		i.last.Store(&c)
	}
	return c, err //nolint:wrapcheck // goes to AWS's library, and back to unsent
}

// secrets lists what no text may show.
func (i *identity) secrets() []string {
	list := []string{i.settings.AccessKeySecret.Reveal(), i.settings.SessionToken.Reveal()}
	if last := i.last.Load(); last != nil {
		list = append(list, last.SecretAccessKey, last.SessionToken)
	}
	return list
}

func (i *identity) close() error {
	if i.machine != nil {
		i.machine.CloseIdleConnections()
	}
	return i.sts.Close()
}
