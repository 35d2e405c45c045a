package queuetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/queue"
)

// The environment of a process that is to crash.
const (
	crashEngine  = "QUEUETEST_CRASH_ENGINE"
	crashAddress = "QUEUETEST_CRASH_ADDRESS"
)

// lease is short, so that a test need not wait for long.
const lease = 1500 * time.Millisecond

// Main is the TestMain of a package that calls Run: the suite starts the test
// program once more to kill it in the middle of a job.
func Main(m *testing.M, engines ...Engine) {
	name := os.Getenv(crashEngine)
	if name == "" {
		os.Exit(m.Run())
	}
	for _, e := range engines {
		if e.Name == name {
			fmt.Fprintln(os.Stderr, runUntilKilled(e, os.Getenv(crashAddress)))
		}
	}
	os.Exit(1)
}

// runUntilKilled prints the message of each job it gets, and ends none.
func runUntilKilled(e Engine, address string) error {
	n, err := e.Open(address, queue.Options{Workers: 2, Lease: lease})
	if err != nil {
		return err
	}
	if err := n.Start(context.Background(), func(_ context.Context, id string) (queue.Result, error) {
		fmt.Println(id)
		select {}
	}); err != nil {
		return err
	}
	select {}
}

func crash(b *bench) {
	survivor := b.open(queue.Options{Workers: 2, Lease: lease, Backoff: noBackoff(b)})
	jobs := []queue.Job{code("1"), code("2"), code("3"), code("4")}
	b.insert(survivor, jobs...)

	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	victim := exec.Command(program)
	victim.Env = append(os.Environ(), crashEngine+"="+b.engine.Name, crashAddress+"="+b.address)
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		b.Fatal(err)
	}
	begun := bufio.NewScanner(out)
	for range 2 {
		if !begun.Scan() {
			b.Error("the other process ran no job")
		}
	}
	if err := victim.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	if err := victim.Wait(); err == nil {
		b.Error("the other process was not killed")
	}

	b.expectJobs(survivor, len(jobs))
	h, runs := note()
	b.startNode(survivor, h)
	counts := make(map[string]int)
	for range jobs {
		counts[receive(b, runs, "the jobs of the other process")]++
	}
	for _, job := range jobs {
		if counts[job.MessageID] != 1 {
			b.Errorf("%s ran %d times after the crash", job.MessageID, counts[job.MessageID])
		}
	}
	b.stop(survivor)
	b.expectNoRun(runs)
	b.expectJobs(survivor, 0)
}

// noBackoff is for engines that must not count a failure.
func noBackoff(b *bench) func(int) time.Duration {
	return func(failures int) time.Duration {
		b.Errorf("a back-off after %d failures", failures)
		return 0
	}
}
