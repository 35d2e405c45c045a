package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

const (
	riverKind = "deliver"
	// failuresKey is where the metadata of a job counts how often its handler
	// broke in a row.
	failuresKey = "failures"
)

type riverArgs struct {
	MessageID string `json:"message_id"`
}

// Kind implements river.JobArgs.
func (riverArgs) Kind() string { return riverKind }

// riverWorker runs the handler for River.
//
// A job that is to be run again is snoozed, also when its handler broke: River
// then counts no attempt and keeps no list of errors, so a job is never given
// up and does not grow.
type riverWorker struct {
	river.WorkerDefaults[riverArgs]

	handler Handler
	node    *node
	o       Options
}

// Work implements river.Worker.
func (w *riverWorker) Work(riverCtx context.Context, job *river.Job[riverArgs]) error {
	ctx, end := w.node.begin(riverCtx, job.ID)
	defer end()
	res, err := call(ctx, w.handler, job.Args.MessageID)
	switch {
	case err == nil && res.RetryAt.IsZero():
		return nil
	case err == nil:
		return snooze(riverCtx, job.JobRow, time.Until(res.RetryAt), 0)
	case ctx.Err() != nil:
		// Cancelled by Stop, or because the lease was lost: not the handler's
		// fault. In the latter case another node may have the job. To end it
		// here could take it from that node; one run too many does no harm.
		return river.JobSnooze(0)
	}
	failures := countFailures(job.JobRow) + 1
	pause := w.o.Backoff(failures)
	logFailure(ctx, w.o.Logger, job.Args.MessageID, err, failures, pause)
	return snooze(riverCtx, job.JobRow, pause, failures)
}

func snooze(ctx context.Context, job *rivertype.JobRow, d time.Duration, failures int) error {
	if failures != countFailures(job) {
		if err := river.MetadataSet(ctx, failuresKey, failures); err != nil {
			return fmt.Errorf("count failures: %w", err)
		}
	}
	return river.JobSnooze(max(d, 0))
}

func countFailures(job *rivertype.JobRow) int {
	var metadata struct {
		Failures int `json:"failures"`
	}
	if err := json.Unmarshal(job.Metadata, &metadata); err != nil {
		return 0 // not ours; the back-off begins anew
	}
	return metadata.Failures
}
