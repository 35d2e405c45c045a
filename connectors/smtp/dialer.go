package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/network"
)

// dialer opens sessions with one server.
type dialer struct {
	host, address string
	name          string // for EHLO; "" when the address must serve
	local         netip.Addr
	proxy         *url.URL // nil for none
	dial          func(ctx context.Context, network, address string) (net.Conn, error)
	tls           *tls.Config
	secure        bool
	ignoreTLS     bool
	requireTLS    bool
	connecting    time.Duration
	lookup        time.Duration
	greeting      time.Duration
	idle          time.Duration
	auth          *credentials // nil for none
}

// Reasons to give up a connection that no reply tells.
var (
	errNoSTARTTLS = errors.New("the server offers no STARTTLS")
	errLookupTime = errors.New("the look-up of the host took too long")
	errLocalAddr  = errors.New("connections cannot be made from this local address")
)

func newDialer(s settings, host connector.Host, auth *credentials) (*dialer, error) {
	config, err := s.TLS.config(s.Servername, s.Host)
	if err != nil {
		return nil, err
	}
	local, _ := netip.ParseAddr(s.Local) // Validate has passed it; "" is no address
	d := &dialer{
		host: s.Host, address: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		name: s.Name, local: local, dial: host.Dial, tls: config,
		secure: s.Secure, ignoreTLS: s.IgnoreTLS, requireTLS: s.RequireTLS,
		connecting: ms(s.ConnectionTimeout), lookup: ms(s.DNSTimeout),
		greeting: ms(s.GreetingTimeout), idle: ms(s.SocketTimeout),
		auth: auth,
	}
	if d.dial == nil {
		d.dial = network.ThroughProxy(dialPlainly)
	}
	if s.Proxy != "" {
		if d.proxy, err = url.Parse(s.Proxy.Reveal()); err != nil { // cannot happen after Validate
			return nil, errors.New("proxy: not a URL")
		}
	}
	if d.name == "" {
		d.name = machineName()
	}
	return d, nil
}

// dialPlainly stands in for a service that lends no Dial.
func dialPlainly(ctx context.Context, kind, address string) (net.Conn, error) {
	var d net.Dialer
	if ip, ok := connector.LocalAddr(ctx); ok {
		d.LocalAddr = &net.TCPAddr{IP: ip.AsSlice(), Zone: ip.Zone()}
	}
	return d.DialContext(ctx, kind, address)
}

// machineName returns this machine's name if it can stand in EHLO: fully
// qualified (RFC 5321 section 2.3.5), else "".
func machineName() string {
	name, err := os.Hostname()
	if err != nil || !strings.Contains(name, ".") || !validDNSName(name) {
		return ""
	}
	return name
}

// open makes a session: connected, encrypted and signed in as the settings
// say. An access token that the server refuses before its time is replaced
// once.
func (d *dialer) open(ctx context.Context) (*session, *failure) {
	s, f := d.try(ctx, "")
	if f != nil && f.token != "" {
		s, f = d.try(ctx, f.token)
	}
	return s, f
}

func (d *dialer) try(ctx context.Context, refused string) (*session, *failure) {
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, fail(stageConnect, err)
	}
	l := &line{Conn: conn, idle: d.idle}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	s, f := d.prepare(ctx, l, refused)
	if !stop() && f == nil {
		f = fail(stageHello, ctx.Err())
	}
	if f != nil {
		l.close()
		return nil, f
	}
	return s, nil
}

// connect looks up the host and makes the TCP connection.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	if d.local.IsValid() {
		ctx = connector.WithLocalAddr(ctx, d.local)
	}
	if d.proxy != nil {
		ctx = connector.WithProxy(ctx, d.proxy)
	}
	limited, cancel := context.WithTimeout(ctx, d.connecting)
	defer cancel()
	traced, slow, stop := d.boundLookup(limited)
	defer stop()
	conn, err := d.dial(traced, "tcp", d.address)
	switch {
	case err != nil && slow():
		return nil, errLookupTime
	case err != nil && limited.Err() != nil:
		return nil, os.ErrDeadlineExceeded // the settings' limit, unless ctx ended too
	case err != nil:
		return nil, err
	case d.local.IsValid() && !leavesFrom(conn, d.local):
		return nil, errors.Join(errLocalAddr, conn.Close())
	}
	return conn, nil
}

// boundLookup gives the resolver less time than the whole connection has.
// The dialling is the service's; package net tells a trace when it looks up.
func (d *dialer) boundLookup(ctx context.Context) (_ context.Context, slow func() bool, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var late atomic.Bool
	var timer atomic.Pointer[time.Timer]
	end := func() {
		if t := timer.Load(); t != nil {
			t.Stop()
		}
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) {
			timer.Store(time.AfterFunc(d.lookup, func() {
				late.Store(true)
				cancel()
			}))
		},
		DNSDone: func(httptrace.DNSDoneInfo) { end() },
	})
	return ctx, late.Load, func() {
		end()
		cancel()
	}
}

func leavesFrom(conn net.Conn, want netip.Addr) bool {
	from, ok := conn.LocalAddr().(*net.TCPAddr)
	return ok && from.AddrPort().Addr().Unmap() == want.Unmap()
}

// prepare brings a fresh connection to where mails can be sent.
func (d *dialer) prepare(ctx context.Context, l *line, refused string) (*session, *failure) {
	var conn net.Conn = l
	if d.secure {
		l.step(d.connecting)
		encrypted := tls.Client(l, d.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, fail(stageTLS, err)
		}
		conn = encrypted
	}
	l.step(d.greeting)
	client, err := smtp.NewClient(conn, d.host)
	if err != nil {
		return nil, fail(stageGreeting, err)
	}
	l.step(0)
	if err := client.Hello(d.helloName(conn)); err != nil {
		return nil, fail(stageHello, err)
	}
	if f := d.startTLS(l, client); f != nil {
		return nil, f
	}
	s := ready(l, client)
	if f := d.signIn(ctx, s, refused); f != nil {
		return nil, f
	}
	return s, nil
}

// startTLS encrypts the line when the server offers it and the settings do
// not forbid it.
func (d *dialer) startTLS(l *line, client *smtp.Client) *failure {
	if d.secure || d.ignoreTLS {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		if d.requireTLS {
			return fail(stageTLS, errNoSTARTTLS)
		}
		return nil
	}
	l.step(0)
	return fail(stageTLS, client.StartTLS(d.tls))
}

// helloName is what EHLO says: the name, or an address literal (RFC 5321
// section 4.1.3).
func (d *dialer) helloName(conn net.Conn) string {
	if d.name != "" {
		return d.name
	}
	from, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return "[127.0.0.1]"
	}
	ip := from.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		return "[IPv6:" + ip.String() + "]"
	}
	return "[" + ip.String() + "]"
}
