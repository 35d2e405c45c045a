package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// caller asks for codes on one kept connection, one after the other. It
// writes the requests itself: a net/http client hands each one to two further
// goroutines, which costs about 35 µs of CPU against 10, and the service shares
// the processors.
type caller struct {
	addr    string
	head    string // of each request, up to the length of the body
	dialer  net.Dialer
	conn    net.Conn
	release func() bool
	r       *bufio.Reader
	buf     []byte
}

const (
	bodyBefore = `{"email":"`
	bodyAfter  = `"}`
	// largestAnswer bounds what is read of an answer.
	largestAnswer = 64 << 10
)

func newCaller(addr, apiKey string) *caller {
	return &caller{
		addr: addr,
		head: "POST /api/verification-codes HTTP/1.1\r\nHost: " + addr + "\r\nAuthorization: Bearer " + apiKey +
			"\r\nContent-Type: application/json\r\nContent-Length: ",
	}
}

// ask requests a code for the n-th recipient. After an error the next call
// opens a new connection.
func (c *caller) ask(ctx context.Context, n int) error {
	if c.conn == nil {
		if err := c.connect(ctx); err != nil {
			return err
		}
	}
	to := recipient(n)
	c.buf = append(c.buf[:0], c.head...)
	c.buf = strconv.AppendInt(c.buf, int64(len(bodyBefore)+len(to)+len(bodyAfter)), 10)
	c.buf = append(c.buf, "\r\n\r\n"+bodyBefore...)
	c.buf = append(c.buf, to...)
	c.buf = append(c.buf, bodyAfter...)
	if _, err := c.conn.Write(c.buf); err != nil {
		c.close()
		return fmt.Errorf("ask for a code: %w", err)
	}
	return c.answer()
}

func (c *caller) connect(ctx context.Context) error {
	conn, err := c.dialer.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return fmt.Errorf("connect to the service: %w", err)
	}
	c.conn, c.r = conn, bufio.NewReader(conn)
	c.release = context.AfterFunc(ctx, func() { conn.Close() })
	return nil
}

// answer reads an answer; anything but a 2xx is an error.
func (c *caller) answer() error {
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.close()
		return fmt.Errorf("read the answer: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	err = errors.Join(err, res.Body.Close())
	if err != nil || res.Close {
		c.close()
	}
	switch {
	case err != nil:
		return fmt.Errorf("read the answer: %w", err)
	case res.StatusCode/100 != 2:
		return refusal(res.Status, body)
	}
	return nil
}

func (c *caller) close() {
	if c.conn != nil {
		c.release()
		c.conn.Close()
		c.conn = nil
	}
}
