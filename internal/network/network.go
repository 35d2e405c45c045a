package network

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Is reports whether err comes from the network at all.
func Is(err error) bool { return errors.As(err, new(net.Error)) }

// IsLost reports whether the other side closed or reset the connection.
func IsLost(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// IsTimeout reports whether a time-out struck.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// IsUnknownHost reports whether the DNS says that there is no such host.
func IsUnknownHost(err error) bool {
	e, is := errors.AsType[*net.DNSError](err)
	return is && e.IsNotFound && !e.IsTemporary
}

// IsTLSFault reports whether both sides were there but could not agree:
// certificate, name, version, or no TLS at all.
func IsTLSFault(err error) bool {
	if errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(tls.RecordHeaderError)) {
		return true
	}
	alert, is := errors.AsType[*net.OpError](err)
	return is && (alert.Op == "remote error" || alert.Op == "local error") // package tls wraps its alerts so
}

// TLSWords explains a fault of TLS.
func TLSWords(err error) string {
	var name x509.HostnameError
	switch {
	case errors.As(err, new(tls.RecordHeaderError)):
		return "what answers there does not speak TLS; is it meant for another port?"
	case errors.As(err, &name):
		return "the certificate is for another name: " + name.Error()
	default:
		return err.Error()
	}
}

// Words names a broken connection in a few words; "" for what is not one.
func Words(err error) string {
	var system syscall.Errno
	switch {
	case errors.As(err, new(*net.DNSError)):
		return "the host could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case IsLost(err):
		return "the server closed the connection"
	case errors.As(err, &system):
		return "the connection failed: " + system.Error()
	default:
		return ""
	}
}

// Cause keeps of an error what errors.Is is asked for, and nothing that could
// repeat what the other side said.
func Cause(err error) error {
	for _, known := range []error{
		context.Canceled, os.ErrDeadlineExceeded, context.DeadlineExceeded,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}
