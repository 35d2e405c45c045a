package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"

	"github.com/postern-mail/postern/connector"
)

// tlsSettings are the options of a TLS line, by the names that Node.js gives
// them.
type tlsSettings struct {
	RejectUnauthorized bool             `json:"rejectUnauthorized"`
	CA                 string           `json:"ca,omitempty"`
	Cert               string           `json:"cert,omitempty"`
	Key                connector.Secret `json:"key,omitempty"`
	MinVersion         string           `json:"minVersion,omitempty" options:"TLSv1|TLSv1.1|TLSv1.2|TLSv1.3"`
	Servername         string           `json:"servername,omitempty"`
}

// sessionTickets is how many TLS sessions are kept for cheap reconnects.
const sessionTickets = 16

// Validate implements connector.Validator.
func (t tlsSettings) Validate() []connector.Issue {
	var v issues
	v.unless(t.Servername == "" || validHost(t.Servername), "must be a host name or an IP address", "servername")
	_, ok := t.roots()
	v.unless(ok, "must hold certificates in PEM form", "ca")
	_, err := t.identity()
	v.unless(err == nil, "must be the PEM certificate that belongs to the PEM key", "cert")
	return v
}

// roots returns the certificate authorities to trust; nil means the system's.
func (t tlsSettings) roots() (_ *x509.CertPool, ok bool) {
	if t.CA == "" {
		return nil, true
	}
	pool := x509.NewCertPool()
	ok = pool.AppendCertsFromPEM([]byte(t.CA))
	return pool, ok
}

// identity returns the client's own certificate, if any.
func (t tlsSettings) identity() ([]tls.Certificate, error) {
	if t.Cert == "" && t.Key == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key.Reveal()))
	if err != nil {
		return nil, errors.New("tls.cert: certificate and key do not fit") // the cause may quote the key
	}
	return []tls.Certificate{pair}, nil
}

// version returns the least version to speak: 1.2 unless the settings say
// otherwise.
func (t tlsSettings) version() uint16 {
	switch t.MinVersion {
	case "TLSv1":
		return tls.VersionTLS10
	case "TLSv1.1":
		return tls.VersionTLS11
	case "TLSv1.3":
		return tls.VersionTLS13
	default:
		return tls.VersionTLS12
	}
}

// config makes the TLS configuration for a server; names are the candidates
// for its name, the first that is set counts.
func (t tlsSettings) config(names ...string) (*tls.Config, error) {
	roots, ok := t.roots()
	if !ok {
		return nil, errors.New("tls.ca: no certificate in PEM form")
	}
	identity, err := t.identity()
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(append([]string{t.Servername}, names...), func(s string) bool { return s == "" })
	return &tls.Config{
		ServerName:   names[0],
		RootCAs:      roots,
		Certificates: identity,
		MinVersion:   t.version(),
		// Only when the operator says so in the settings of this server.
		InsecureSkipVerify:          !t.RejectUnauthorized, //nolint:gosec // see above
		ClientSessionCache:          tls.NewLRUClientSessionCache(sessionTickets),
		DynamicRecordSizingDisabled: true, // a mail goes out in as few records as can be
	}, nil
}
