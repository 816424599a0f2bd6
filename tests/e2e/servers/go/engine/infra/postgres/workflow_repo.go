// SPDX-License-Identifier: Apache-2.0

// Package postgres has one of the two functions that a poll is.
package postgres

import (
	"context"

	"github.com/compozy/compozy/engine/core"
	"github.com/compozy/compozy/engine/workflow"
)

// WorkflowRepo reads workflow states.
type WorkflowRepo struct{ store *workflow.Store }

func NewWorkflowRepo(store *workflow.Store) *WorkflowRepo { return &WorkflowRepo{store} }

// GetState is not inlined in the original, where it talks to a database.
//
//go:noinline
func (r *WorkflowRepo) GetState(ctx context.Context, execID core.ID) (*workflow.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.store.Get(execID)
}
