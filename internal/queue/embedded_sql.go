package queue

import (
	"context"
	"database/sql"
	"fmt"
)

// EmbeddedSchema makes the tables of the embedded engine (SQLite). Times are
// Unix times in nanoseconds.
//
// A row of jobs is a job that has not ended. While an engine has it, owner is
// the number of that engine and lease tells this time from others; otherwise
// both are null and the job waits. Only waiting jobs are in the index: a job
// that is taken on as it is inserted, and ends well, never touches it.
const EmbeddedSchema = `
CREATE TABLE jobs (
    message_id TEXT    NOT NULL PRIMARY KEY,
    priority   INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
    due_at     INTEGER NOT NULL,
    failures   INTEGER NOT NULL DEFAULT 0,
    owner      INTEGER,
    lease      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_waiting ON jobs (priority, due_at) WHERE owner IS NULL;

CREATE TABLE job_owners (
    id           INTEGER NOT NULL PRIMARY KEY,
    leased_until INTEGER NOT NULL
) STRICT;
`

// The texts are constants so that the store's statement cache finds them.
const (
	// A message has one job. While it waits, a second insertion can only bring
	// it forward. While it is leased, it gets a new lease (or none), so that the
	// end of the earlier run leaves it in place.
	sqlInsertJob = `
INSERT INTO jobs (message_id, priority, due_at, owner, lease)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (message_id) DO UPDATE
SET priority = min(priority, excluded.priority),
    due_at = CASE WHEN owner IS NULL THEN min(due_at, excluded.due_at) ELSE excluded.due_at END,
    owner = excluded.owner, lease = excluded.lease`

	sqlEndJob = `
DELETE FROM jobs WHERE message_id = ?1 AND owner = ?2 AND lease = ?3`

	sqlRetryJob = `
UPDATE jobs SET owner = NULL, lease = NULL, due_at = ?4, failures = ?5
WHERE message_id = ?1 AND owner = ?2 AND lease = ?3`

	sqlClaimJobs = `
UPDATE jobs SET owner = ?1, lease = ?2
WHERE message_id IN (
    SELECT message_id FROM jobs
    WHERE owner IS NULL AND priority = ?3 AND due_at <= ?4
    ORDER BY due_at, message_id LIMIT ?5)
RETURNING message_id, due_at, failures`

	sqlNextDue = `
SELECT coalesce(min(due_at), 0) FROM (
    SELECT min(due_at) AS due_at FROM jobs WHERE owner IS NULL AND priority = 1
    UNION ALL SELECT min(due_at) FROM jobs WHERE owner IS NULL AND priority = 2
    UNION ALL SELECT min(due_at) FROM jobs WHERE owner IS NULL AND priority = 3
    UNION ALL SELECT min(due_at) FROM jobs WHERE owner IS NULL AND priority = 4)`

	sqlCancelJob = `
DELETE FROM jobs
WHERE message_id = ?1 AND (owner IS NULL OR (owner = ?2 AND lease = ?3))`

	sqlCountOtherJobs = `
SELECT count(*), coalesce(min(CASE WHEN owner IS NULL AND due_at <= ?2 THEN due_at END), 0)
FROM jobs WHERE owner IS NULL OR owner <> ?1`

	sqlRemoveOwners   = `DELETE FROM job_owners`
	sqlRemoveOwner    = `DELETE FROM job_owners WHERE id = ?1`
	sqlRemoveLateOnes = `DELETE FROM job_owners WHERE leased_until < ?1`
	sqlAddOwner       = `INSERT INTO job_owners (id, leased_until) VALUES (?1, ?2)`
	sqlExtendLease    = `UPDATE job_owners SET leased_until = ?2 WHERE id = ?1`

	sqlReleaseOwn = `
UPDATE jobs SET owner = NULL, lease = NULL WHERE owner = ?1`
	sqlReleaseOrphans = `
UPDATE jobs SET owner = NULL, lease = NULL
WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM job_owners)`
)

// exec runs a statement and tells how many rows it changed.
func exec(ctx context.Context, tx Tx, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// insertJob inserts j, leased if its lease has an owner.
func insertJob(ctx context.Context, tx Tx, j *heldJob) error {
	var owner, number any
	if j.lease.owner != 0 {
		owner, number = j.lease.owner, j.lease.number
	}
	if _, err := tx.ExecContext(ctx, sqlInsertJob, j.messageID, j.priority, j.due, owner, number); err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return nil
}

// recordResult writes how a job ended. Nothing happens when its lease is not
// in the table any more.
func recordResult(ctx context.Context, tx Tx, j *heldJob) error {
	var err error
	if j.result.done {
		_, err = tx.ExecContext(ctx, sqlEndJob, j.messageID, j.lease.owner, j.lease.number)
	} else {
		_, err = tx.ExecContext(ctx, sqlRetryJob,
			j.messageID, j.lease.owner, j.lease.number, j.result.due, j.result.failures)
	}
	if err != nil {
		return fmt.Errorf("record result of job: %w", err)
	}
	return nil
}

// claimJobs leases up to limit waiting jobs that are due, most urgent first.
func claimJobs(ctx context.Context, tx Tx, l lease, now int64, limit int) ([]*heldJob, error) {
	var jobs []*heldJob
	for priority := 1; priority <= maxPriority && len(jobs) < limit; priority++ {
		claimed, err := claimPriority(ctx, tx, l, priority, now, limit-len(jobs))
		if err != nil {
			return nil, fmt.Errorf("claim jobs: %w", err)
		}
		jobs = append(jobs, claimed...)
	}
	return jobs, nil
}

func claimPriority(ctx context.Context, tx Tx, l lease, priority int, now int64, limit int) (jobs []*heldJob, err error) {
	rows, err := tx.QueryContext(ctx, sqlClaimJobs, l.owner, l.number, priority, now, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		j := &heldJob{priority: priority, lease: l}
		if err := rows.Scan(&j.messageID, &j.due, &j.failures); err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// nextDue is when the first waiting job is due; 0 when none waits.
func nextDue(ctx context.Context, tx Tx) (due int64, err error) {
	rows, err := tx.QueryContext(ctx, sqlNextDue)
	if err != nil {
		return 0, fmt.Errorf("find next due job: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&due); err != nil {
			return 0, fmt.Errorf("find next due job: %w", err)
		}
	}
	return due, rows.Err()
}

// beginOwner makes owner the only one, and lets go of all that an earlier
// process held.
func beginOwner(ctx context.Context, tx Tx, owner, until int64) error {
	if _, err := exec(ctx, tx, sqlRemoveOwners); err != nil {
		return fmt.Errorf("end earlier leases: %w", err)
	}
	return addOwner(ctx, tx, owner, until)
}

// addOwner adds owner, and lets go of the jobs whose owner is gone.
func addOwner(ctx context.Context, tx Tx, owner, until int64) error {
	if _, err := exec(ctx, tx, sqlAddOwner, owner, until); err != nil {
		return fmt.Errorf("begin lease: %w", err)
	}
	return releaseOrphans(ctx, tx)
}

func releaseOrphans(ctx context.Context, tx Tx) error {
	if _, err := exec(ctx, tx, sqlReleaseOrphans); err != nil {
		return fmt.Errorf("release jobs: %w", err)
	}
	return nil
}

// extendLease extends the lease of owner, and ends those that ran out. It
// tells whether owner still had its lease.
func extendLease(ctx context.Context, tx Tx, owner, now, until int64) (held bool, err error) {
	n, err := exec(ctx, tx, sqlExtendLease, owner, until)
	if err != nil {
		return false, fmt.Errorf("extend lease: %w", err)
	}
	late, err := exec(ctx, tx, sqlRemoveLateOnes, now)
	if err != nil {
		return false, fmt.Errorf("end late leases: %w", err)
	}
	if late > 0 {
		err = releaseOrphans(ctx, tx)
	}
	return n > 0, err
}

// endOwner lets go of all that owner holds.
func endOwner(ctx context.Context, tx Tx, owner int64) error {
	if _, err := exec(ctx, tx, sqlReleaseOwn, owner); err != nil {
		return fmt.Errorf("release jobs: %w", err)
	}
	if _, err := exec(ctx, tx, sqlRemoveOwner, owner); err != nil {
		return fmt.Errorf("end lease: %w", err)
	}
	return nil
}

// cancelJob removes the job of a message if it waits in the table or is
// leased by l.
func cancelJob(ctx context.Context, tx Tx, messageID string, l lease) error {
	if _, err := exec(ctx, tx, sqlCancelJob, messageID, l.owner, l.number); err != nil {
		return fmt.Errorf("cancel job: %w", err)
	}
	return nil
}

func countOtherJobs(ctx context.Context, db *sql.DB, owner, now int64) (n int, oldest int64, err error) {
	err = db.QueryRowContext(ctx, sqlCountOtherJobs, owner, now).Scan(&n, &oldest)
	if err != nil {
		return 0, 0, fmt.Errorf("count jobs: %w", err)
	}
	return n, oldest, nil
}
