//go:build unix

package servers_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/test/servers"
)

// holdServers, when set, makes TestHoldServers start servers and wait for its
// end, which TestServersEndWithAKilledProcess brings.
const holdServers = "POSTERN_TEST_HOLD_SERVERS"

func TestHoldServers(t *testing.T) {
	if os.Getenv(holdServers) == "" {
		t.Skip("run by TestServersEndWithAKilledProcess")
	}
	database, err := url.Parse(servers.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	postfix := servers.Postfix(t)
	fmt.Println("held", database.Query().Get("host"), address(postfix.Host, postfix.Port))
	select {}
}

func TestServersEndWithAKilledProcess(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("real servers are left out with -short")
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoldServers$")
	child.Env = append(os.Environ(), holdServers+"=1")
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var folder, smtp string
	var said strings.Builder
	for lines := bufio.NewScanner(output); folder == "" && lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "held" {
			folder, smtp = words[1], words[2]
		}
	}
	if folder == "" {
		t.Fatalf("no servers: %s", said.String())
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // reports the kill

	await(t, "PostgreSQL's folder is gone", func() bool {
		_, err := os.Stat(folder)
		return errors.Is(err, fs.ErrNotExist)
	})
	await(t, "Postfix no longer listens", func() bool {
		conn, err := net.Dial("tcp", smtp)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

// await returns when condition holds; the test's own deadline bounds it.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !condition() {
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatalf("not so: %s", what)
		}
	}
}
