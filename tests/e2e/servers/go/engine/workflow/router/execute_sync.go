// SPDX-License-Identifier: Apache-2.0

// Package wfrouter has the poll loop of a synchronous workflow; its path, not its name, is in its symbols.
package wfrouter

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/compozy/compozy/engine/core"
	"github.com/compozy/compozy/engine/workflow"
	"github.com/compozy/compozy/truth"
)

const (
	backoffFirst = 200 * time.Millisecond
	backoffMax   = 5 * time.Second
)

// Wait is for the handlers, which are in another package here.
func Wait(ctx context.Context, repo workflow.Repository, execID core.ID, timeout time.Duration, workflowID string,
	book *truth.Book) (*workflow.State, bool, error) {
	return waitForWorkflowCompletion(ctx, repo, execID, timeout, workflowID, book)
}

// The same arguments and results as the original's, and deferred calls as it has them.
//
//go:noinline
func waitForWorkflowCompletion(
	ctx context.Context,
	repo workflow.Repository,
	execID core.ID,
	timeout time.Duration,
	workflowID string,
	book *truth.Book,
) (*workflow.State, bool, error) {
	pollCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	polls := book.BeginPolls(string(execID), workflowID)
	defer polls.Finish()
	return poll(ctx, pollCtx, repo, execID, polls)
}

func poll(ctx, pollCtx context.Context, repo workflow.Repository, execID core.ID, polls *truth.Polls) (
	*workflow.State, bool, error) {
	interval := backoffFirst
	var last *workflow.State
	for {
		if pollCtx.Err() != nil {
			polls.Outcome = truth.Timeout
			state, err := lastState(ctx, repo, execID, last)
			return state, true, err
		}
		state, err := repo.GetState(pollCtx, execID)
		polls.Polls++
		if err != nil && !ignorable(err) {
			polls.Outcome = truth.Error
			return last, false, err
		}
		if err == nil && state != nil {
			last = state
			if state.Status != workflow.StatusRunning {
				polls.Outcome = truth.Completed
				return state, false, nil
			}
		}
		wait := jitter(interval, string(execID), polls.Polls-1)
		interval = min(2*interval, backoffMax)
		if !sleep(pollCtx, wait) {
			polls.Outcome = truth.Timeout
			state, err := lastState(ctx, repo, execID, last)
			return state, true, err
		}
	}
}

func ignorable(err error) bool {
	return errors.Is(err, workflow.ErrNotFound) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled)
}

// The last fetch, after the deadline, is not a poll.
func lastState(ctx context.Context, repo workflow.Repository, execID core.ID, last *workflow.State) (
	*workflow.State, error) {
	state, err := repo.GetState(context.WithoutCancel(ctx), execID)
	switch {
	case errors.Is(err, workflow.ErrNotFound):
		return last, nil
	case err != nil:
		return last, err
	default:
		return state, nil
	}
}

func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Up to a tenth more or less, from the execution id and the number of the poll.
func jitter(base time.Duration, execID string, attempt int) time.Duration {
	span := int64(base / 10)
	hash := int64(5381)
	for _, letter := range []byte(execID + "+" + strconv.Itoa(attempt)) {
		hash = (hash*33 + int64(letter)) % (2*span + 1)
	}
	return base + time.Duration(hash-span)
}
