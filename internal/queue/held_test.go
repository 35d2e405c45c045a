package queue

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The held jobs come out in their order, one at a time a message, whatever is
// added, taken and settled in between.
func TestHeldJobs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHeldJobs()
		waiting := make(map[string]*heldJob) // what is to come out
		behind := make(map[string]*heldJob)  // what waits for a running one
		var running []*heldJob
		number := int64(0)
		message := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "message")) })
		isRunning := func(id string) bool {
			return slices.ContainsFunc(running, func(j *heldJob) bool { return j.messageID == id })
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				number++
				j := &heldJob{
					messageID: message.Draw(t, "id"),
					priority:  rapid.IntRange(1, 4).Draw(t, "priority"),
					due:       rapid.Int64Range(1, 3).Draw(t, "due"),
					lease:     lease{1, number},
				}
				h.add(j)
				if isRunning(j.messageID) {
					behind[j.messageID] = j
				} else {
					waiting[j.messageID] = j
				}
			},
			"pop": func(t *rapid.T) {
				got := h.pop()
				var want *heldJob
				for _, j := range waiting {
					if want == nil || j.before(want) {
						want = j
					}
				}
				if got != want {
					t.Fatalf("popped %+v, want %+v", got, want)
				}
				if got != nil {
					delete(waiting, got.messageID)
					running = append(running, got)
				}
			},
			"take": func(t *rapid.T) {
				id := message.Draw(t, "id")
				want := waiting[id]
				if want == nil {
					want = behind[id]
				}
				if got := h.take(id); got != want {
					t.Fatalf("took %+v, want %+v", got, want)
				}
				delete(waiting, id)
				delete(behind, id)
			},
			"settle": func(t *rapid.T) {
				if len(running) == 0 {
					t.Skip("nothing runs")
				}
				i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
				j := running[i]
				running = slices.Delete(running, i, i+1)
				h.settle(j)
				if next := behind[j.messageID]; next != nil {
					waiting[j.messageID] = next
					delete(behind, j.messageID)
				}
			},
			"drop waiting": func(*rapid.T) {
				h.dropWaiting()
				clear(waiting)
				clear(behind)
			},
			"": func(t *rapid.T) {
				n, oldest := h.unfinished()
				if want := len(waiting) + len(behind) + len(running); n != want {
					t.Fatalf("%d unfinished jobs, want %d", n, want)
				}
				var wantOldest int64
				for _, j := range waiting {
					if wantOldest == 0 || j.due < wantOldest {
						wantOldest = j.due
					}
				}
				if oldest != wantOldest {
					t.Fatalf("the oldest is due at %d, want %d", oldest, wantOldest)
				}
			},
		})
	})
}
