package app

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/postern-mail/postern/connector"
)

func TestRefusePrivate(t *testing.T) {
	t.Parallel()
	private := []string{
		"127.0.0.1:25", "127.9.9.9:25", "10.0.0.1:25", "172.16.0.1:25", "172.31.255.255:25", "192.168.1.1:25", "169.254.169.254:80",
		"0.0.0.0:25", "100.64.0.1:25", "192.0.0.192:80", "198.18.0.1:25", "224.0.0.1:25", "240.0.0.1:25", "255.255.255.255:25",
		"[::1]:25", "[::]:25", "[fe80::1]:25", "[fe80::1%eth0]:25", "[fc00::1]:25", "[fd00:ec2::254]:80", "[ff02::1]:25",
		"[::ffff:127.0.0.1]:25", "[::ffff:10.0.0.1]:25", "[64:ff9b::7f00:1]:25", "[2002:7f00:1::]:25", "[2001:db8::1]:25",
		"not an address", "",
	}
	for _, a := range private {
		if refusePrivate(a) == nil {
			t.Errorf("%s is taken for public", a)
		}
	}
	for _, a := range []string{"8.8.8.8:25", "172.32.0.1:25", "100.128.0.1:25", "[2606:4700::1111]:25", "[2a00:1450::1]:443"} {
		if err := refusePrivate(a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// The check is made on the address that a name leads to, at the moment of
// connecting.
func TestDialerChecksAfterResolution(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	name := net.JoinHostPort("localhost", port)
	conn, err := newDialer(false)(t.Context(), "tcp", name)
	if err == nil {
		conn.Close()
		t.Fatal("connected to a private address")
	}
	if ce, ok := errors.AsType[*connector.Error](err); !ok || ce.Class != connector.ConfigFault {
		t.Errorf("error %v", err)
	}
	conn, err = newDialer(true)(t.Context(), "tcp", name)
	if err != nil {
		t.Fatalf("with private networks allowed: %v", err)
	}
	conn.Close()
	conn, err = newDialer(true)(connector.WithLocalAddr(t.Context(), netip.MustParseAddr("127.0.0.2")), "tcp4", name)
	if err != nil {
		t.Fatalf("from a local address: %v", err)
	}
	defer conn.Close()
	if from := conn.LocalAddr().(*net.TCPAddr).IP.String(); from != "127.0.0.2" {
		t.Errorf("connected from %s", from)
	}
}
