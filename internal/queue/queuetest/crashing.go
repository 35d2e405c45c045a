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

// victim is another process that has begun two jobs.
type victim struct{ *exec.Cmd }

func startVictim(b *bench) victim {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	v := victim{exec.Command(program)}
	v.Env = append(os.Environ(), crashEngine+"="+b.engine.Name, crashAddress+"="+b.address)
	v.Stderr = os.Stderr
	out, err := v.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := v.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = v.Process.Kill() })
	begun := bufio.NewScanner(out)
	for range 2 {
		if !begun.Scan() {
			b.Fatal("the other process ran no job")
		}
	}
	return v
}

func (v victim) kill(b *bench) {
	b.Helper()
	if err := v.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	if err := v.Wait(); err == nil {
		b.Error("the other process was not killed")
	}
}

func crash(b *bench) {
	survivor := b.open(queue.Options{Workers: 2, Lease: lease, Backoff: noBackoff(b)})
	jobs := []queue.Job{code("1"), code("2"), code("3"), code("4")}
	b.insert(survivor, jobs...)
	startVictim(b).kill(b)
	b.expectJobs(survivor, len(jobs))
	h, runs := note()
	b.startNode(survivor, h)
	b.expectOnceEach(runs, jobs)
	b.stop(survivor)
	b.expectNoRun(runs)
	b.expectJobs(survivor, 0)
}

// takeOver differs from crash in that the survivor lives at the time.
func takeOver(b *bench) {
	survivor := b.open(queue.Options{Lease: lease, Backoff: noBackoff(b)})
	stuck, free := []queue.Job{code("1"), code("2")}, []queue.Job{code("3"), code("4")}
	b.insert(survivor, stuck...)
	v := startVictim(b)
	h, runs := note()
	b.startNode(survivor, h)
	b.insert(survivor, free...)
	b.expectOnceEach(runs, free)
	v.kill(b)
	b.expectOnceEach(runs, stuck)
	b.stop(survivor)
	b.expectNoRun(runs)
	b.expectJobs(survivor, 0)
}

func nodesShare(b *bench) {
	const jobs = 400
	h, runs := note()
	first := b.start(queue.Options{Workers: 4}, h)
	second := b.start(queue.Options{Workers: 4}, h)
	var all []queue.Job
	for i := range jobs / 2 {
		one, two := normal(fmt.Sprintf("first-%d", i)), code(fmt.Sprintf("second-%d", i))
		b.insert(first, one)
		b.insert(second, two)
		all = append(all, one, two)
	}
	b.expectOnceEach(runs, all)
	b.stop(first)
	b.insert(first, code("last"))
	b.expectRuns(runs, "last") // by the other one
	b.stop(second)
	b.expectNoRun(runs)
	b.expectJobs(second, 0)
}

// expectOnceEach waits for one run of each of the jobs, in any order.
func (b *bench) expectOnceEach(runs <-chan string, jobs []queue.Job) {
	b.Helper()
	counts := make(map[string]int)
	for range jobs {
		counts[receive(b, runs, "the jobs' runs")]++
	}
	for _, job := range jobs {
		if counts[job.MessageID] != 1 {
			b.Errorf("%s ran %d times", job.MessageID, counts[job.MessageID])
		}
	}
}

// noBackoff is for engines that must not count a failure.
func noBackoff(b *bench) func(int) time.Duration {
	return func(failures int) time.Duration {
		b.Errorf("a back-off after %d failures", failures)
		return 0
	}
}
