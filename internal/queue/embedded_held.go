package queue

import "container/heap"

// lease says that a job belongs to one run of one engine. The number makes it
// different from every other lease of that owner, so that an ending job can
// not take away one that was inserted meanwhile for the same message.
type lease struct {
	owner  int64
	number int64
}

type jobState int

const (
	jobWaiting jobState = iota
	jobRunning
	jobEnded // its result is not on disk yet
)

// heldJob is a job that this engine has leased.
type heldJob struct {
	messageID string
	priority  int
	due       int64 // Unix time in nanoseconds
	failures  int   // times in a row that the handler broke
	lease     lease

	state  jobState
	result jobResult
	index  int      // place in the heap while waiting
	next   *heldJob // the same message, inserted again while this one ran
}

// jobResult is what the table is to say about an ended job.
type jobResult struct {
	done     bool // gone; otherwise it waits until due
	due      int64
	failures int
}

func (j *heldJob) before(k *heldJob) bool {
	if j.priority != k.priority {
		return j.priority < k.priority
	}
	if j.due != k.due {
		return j.due < k.due
	}
	return j.messageID < k.messageID
}

// heldJobs are the leased jobs of an engine, at most one a message, the
// waiting ones in the order in which they are to run.
type heldJobs struct {
	byMessage map[string]*heldJob
	waiting   jobHeap
}

func newHeldJobs() *heldJobs {
	return &heldJobs{byMessage: make(map[string]*heldJob)}
}

// add takes in a job that was just leased. While an earlier one of its message
// is running, it stays behind that one.
func (h *heldJobs) add(j *heldJob) {
	cur := h.byMessage[j.messageID]
	switch {
	case cur == nil:
		h.byMessage[j.messageID] = j
		heap.Push(&h.waiting, j)
	case cur.state == jobWaiting:
		heap.Remove(&h.waiting, cur.index)
		h.byMessage[j.messageID] = j
		heap.Push(&h.waiting, j)
	default:
		cur.next = j
	}
}

// pop hands out the next job to run, or nil.
func (h *heldJobs) pop() *heldJob {
	if len(h.waiting) == 0 {
		return nil
	}
	j := heap.Pop(&h.waiting).(*heldJob)
	j.state = jobRunning
	return j
}

// take removes the waiting job of a message and returns it, or nil.
func (h *heldJobs) take(messageID string) *heldJob {
	j := h.byMessage[messageID]
	switch {
	case j == nil:
		return nil
	case j.state != jobWaiting:
		next := j.next
		j.next = nil
		return next
	}
	heap.Remove(&h.waiting, j.index)
	delete(h.byMessage, messageID)
	return j
}

// settle forgets a job whose result is on disk, and takes in the one behind it.
func (h *heldJobs) settle(j *heldJob) {
	delete(h.byMessage, j.messageID)
	if j.next != nil {
		h.add(j.next)
	}
}

// dropWaiting forgets all jobs that have not begun.
func (h *heldJobs) dropWaiting() {
	for _, j := range h.waiting {
		delete(h.byMessage, j.messageID)
	}
	h.waiting = nil
	for _, j := range h.byMessage {
		j.next = nil
	}
}

// unfinished counts the waiting and the running jobs, and tells the earliest
// due time of the waiting ones (0: there is none).
func (h *heldJobs) unfinished() (n int, oldest int64) {
	for _, j := range h.byMessage {
		if j.state != jobEnded {
			n++
		}
		if j.next != nil {
			n++
		}
	}
	for _, j := range h.waiting {
		if oldest == 0 || j.due < oldest {
			oldest = j.due
		}
	}
	return n, oldest
}

// jobHeap implements heap.Interface.
type jobHeap []*heldJob

func (h jobHeap) Len() int           { return len(h) }
func (h jobHeap) Less(i, k int) bool { return h[i].before(h[k]) }

func (h jobHeap) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].index, h[k].index = i, k
}

func (h *jobHeap) Push(x any) {
	j := x.(*heldJob)
	j.index = len(*h)
	*h = append(*h, j)
}

func (h *jobHeap) Pop() any {
	old := *h
	last := len(old) - 1
	j := old[last]
	old[last] = nil
	*h = old[:last]
	return j
}
