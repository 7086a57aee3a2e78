package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store is the table of tasks.
type Store struct{ pool *pgxpool.Pool }

// NewStore returns the tasks of a database whose schema is in place.
func NewStore(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// A frozen server must not hold a request for as long as a slow upload may take.
const queryTimeout = 10 * time.Second

const columns = `id::text, kind, payload, state, attempts, created_at, available_at,
	result_sha256, result_bytes, result_content_type, done_at`

// Enqueue adds a task under the given id, or returns the one that is there already; created reports which.
func (s *Store) Enqueue(ctx context.Context, id, kind string, payload json.RawMessage) (task Task, created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	task, err = scan(s.pool.QueryRow(ctx,
		`insert into tasks (id, kind, payload) values ($1, $2, $3) on conflict (id) do nothing returning `+columns,
		id, kind, payload))
	switch {
	case err == nil:
		return task, true, nil
	case errors.Is(err, ErrNotFound):
		task, err = s.Get(ctx, id)
		return task, false, err
	case isDataError(err):
		return Task{}, false, fmt.Errorf("%w: %w", ErrInvalidPayload, err)
	}
	return Task{}, false, err
}

// Get returns a task or ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (Task, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return scan(s.pool.QueryRow(ctx, `select `+columns+` from tasks where id = $1`, id))
}

// Claim leases the task that has waited longest, of one of the kinds if any are given, or returns ErrNone.
func (s *Store) Claim(ctx context.Context, kinds []string, lease time.Duration) (Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if kinds == nil {
		kinds = []string{}
	}
	claim := Claim{LeaseToken: NewID()}
	task, err := scan(s.pool.QueryRow(ctx, `
		with next as (
			select id as next_id from tasks
			where state <> 'done' and available_at <= now() and (cardinality($1::text[]) = 0 or kind = any($1))
			order by available_at, id
			limit 1
			for update skip locked
		)
		update tasks
		set state = 'leased', lease_token = $2, available_at = now() + make_interval(secs => $3), attempts = attempts + 1
		from next where id = next_id
		returning `+columns, kinds, claim.LeaseToken, lease.Seconds()))
	if errors.Is(err, ErrNotFound) {
		return Claim{}, ErrNone
	}
	claim.Task = task
	return claim, err
}

// CheckLease reports before a body is read whether its delivery can succeed, and the SHA-256 of what this lease delivered.
func (s *Store) CheckLease(ctx context.Context, id, leaseToken string) (delivered string, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var isValid bool
	err = s.pool.QueryRow(ctx, `
		select coalesce(lease_token = $2 and (state = 'done' or available_at > now()), false), coalesce(result_sha256, '')
		from tasks where id = $1`, id, leaseToken).Scan(&isValid, &delivered)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", ErrNotFound
	case err == nil && !isValid:
		return "", ErrStaleLease
	}
	return delivered, err
}

// Complete records a result under a live lease. The same result again changes nothing and succeeds.
func (s *Store) Complete(ctx context.Context, id, leaseToken string, result Result) (Task, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	task, err := scan(s.pool.QueryRow(ctx, `
		update tasks
		set state = 'done', result_sha256 = $3, result_bytes = $4, result_content_type = $5, done_at = now()
		where id = $1 and state = 'leased' and lease_token = $2 and available_at > now()
		returning `+columns, id, leaseToken, result.SHA256, result.Bytes, result.ContentType))
	if !errors.Is(err, ErrNotFound) {
		return task, err
	}
	delivered, err := s.CheckLease(ctx, id, leaseToken)
	switch {
	case err != nil:
		return Task{}, err
	case delivered == "":
		return Task{}, ErrStaleLease
	case delivered != result.SHA256:
		return Task{}, ErrDifferentResult
	}
	return s.Get(ctx, id)
}

// CountByState returns how many tasks are in each state, 0 for a state without any.
func (s *Store) CountByState(ctx context.Context) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, `select state, count(*) from tasks group by state`)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{Queued: 0, Leased: 0, Done: 0}
	var state string
	var count int64
	_, err = pgx.ForEachRow(rows, []any{&state, &count}, func() error {
		counts[state] = count
		return nil
	})
	return counts, err
}

func scan(row pgx.Row) (Task, error) {
	var task Task
	var availableAt time.Time
	var sha256, contentType *string
	var bytes *int64
	var doneAt *time.Time
	err := row.Scan(&task.ID, &task.Kind, &task.Payload, &task.State, &task.Attempts, &task.CreatedAt, &availableAt,
		&sha256, &bytes, &contentType, &doneAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Task{}, ErrNotFound
	}
	if err != nil {
		return Task{}, err
	}
	switch task.State {
	case Leased:
		task.LeaseExpiresAt = &availableAt
	case Done:
		task.Result = &Result{SHA256: *sha256, Bytes: *bytes, ContentType: *contentType, DoneAt: *doneAt}
	}
	return task, nil
}

// isDataError covers what JSON allows and jsonb does not, such as \u0000 or a number with a million digits.
func isDataError(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code[:2] == "22" || pgErr.Code[:2] == "54")
}
