package providerapi

import (
	"net/http"

	"github.com/postern-mail/postern/connector"
)

// Carrier carries the requests of one connector: on the connections that the
// service shares among all, or on some of its own where the settings name a
// proxy or the service lends none.
type Carrier struct {
	http.RoundTripper

	own *http.Transport // nil when the connections are shared
}

// NewCarrier makes a Carrier. It opens no connection. proxy is that of the
// settings; "" for the service's own, if any.
func NewCarrier(host connector.Host, proxy connector.Secret) *Carrier {
	if host.HTTP != nil && proxy == "" {
		return &Carrier{RoundTripper: host.HTTP}
	}
	own := NewTransport(throughProxy(orPlain(host.Dial), proxy))
	return &Carrier{RoundTripper: own, own: own}
}

// CloseIdleConnections lets go of idle connections that are the connector's
// own.
func (c *Carrier) CloseIdleConnections() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}
